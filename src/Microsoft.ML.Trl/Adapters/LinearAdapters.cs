using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>The adapters beside one linear layer, in the order in which they came.</summary>
internal sealed class LinearAdapters : ILinearAdapter
{
    private readonly List<(LoraAdapter Adapter, LoraLayer Part)> _parts = [];

    public bool IsActive => _parts.Exists(part => part.Adapter.IsActive);

    /// <summary>Whether no adapter is left.</summary>
    public bool IsEmpty => _parts.Count == 0;

    public void Add(LoraAdapter adapter, LoraLayer part) => _parts.Add((adapter, part));

    public void Remove(LoraAdapter adapter) => _parts.RemoveAll(part => part.Adapter == adapter);

    public Tensor Forward(LinearModule layer, Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor y = layer.Product(x);
        foreach ((LoraAdapter adapter, LoraLayer part) in _parts)
            if (adapter.IsActive)
                y = part.AddTo(layer, x, y);
        return y.MoveToOuterDisposeScope();
    }

    public Tensor Merged(LinearModule layer, Tensor weight)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor rows = Turned(layer, weight);
        foreach ((LoraAdapter adapter, LoraLayer part) in _parts)
            if (adapter.IsActive)
                rows = part.AddTo(rows);
        return Turned(layer, rows).to_type(weight.dtype).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>[outputs, inputs] the weight of a layer; the layer's own memory, or a new tensor in the current scope.</summary>
    public static Tensor Rows(LinearModule layer) => layer is IQuantizedWeight ? layer.Weight : Turned(layer, layer.Weight);

    /// <summary>From the layout of a checkpoint to [outputs, inputs], and back.</summary>
    private static Tensor Turned(LinearModule layer, Tensor weight) =>
        layer.Layout == WeightLayout.InputsByOutputs ? weight.t() : weight;
}
