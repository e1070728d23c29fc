using Microsoft.ML.Trl.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>A part of an adapter at its place in a model.</summary>
/// <param name="Path">Of the linear layer in the checkpoint.</param>
/// <param name="Layer">The linear layer, which owns the part.</param>
/// <param name="Part">What stands beside it.</param>
internal sealed record PlacedLora(string Path, LinearModule Layer, LoraLayer Part);

/// <summary>A weight of the model that an adapter has a value of its own for.</summary>
/// <param name="Name">In the checkpoint.</param>
/// <param name="Weight">The model's parameter.</param>
/// <param name="Own">The adapter's value, which the adapter owns; in the memory of the parameter while the adapter is on.</param>
internal sealed record OwnWeight(string Name, Parameter Weight, Tensor Own);

/// <summary>One named adapter of a model: parts beside linear layers, and weights of its own in the place of the model's.</summary>
internal sealed class LoraAdapter(string name, LoraOptions options, IReadOnlyList<PlacedLora> parts, IReadOnlyList<OwnWeight> weights)
    : IDisposable
{
    /// <summary>Prefix of all names in an adapter file.</summary>
    public const string Prefix = "base_model.model.";

    /// <summary>Its name in the model.</summary>
    public string Name => name;

    /// <summary>What it was made with.</summary>
    public LoraOptions Options => options;

    /// <summary>Beside linear layers.</summary>
    public IReadOnlyList<PlacedLora> Parts => parts;

    /// <summary>In the place of the model's.</summary>
    public IReadOnlyList<OwnWeight> Weights => weights;

    /// <summary>Whether it is on.</summary>
    public bool IsOn { get; set; }

    /// <summary>Whether it is trained while it is on.</summary>
    public bool IsTrained { get; set; }

    /// <summary>Whether it is merged into the weights, and so stands beside them no more.</summary>
    public bool IsMerged { get; set; }

    /// <summary>Whether its parts compute.</summary>
    public bool IsActive => IsOn && !IsMerged;

    /// <summary>The parameters that are trained with it.</summary>
    public IEnumerable<Parameter> Parameters => parts.SelectMany(part => part.Part.parameters());

    /// <summary>
    /// Its tensors under PEFT's names. It owns them, but for those of an adapter that subtracts what it began with: these are made, of
    /// twice the rank, into the current scope.
    /// </summary>
    public IEnumerable<(string Name, Tensor Value)> Tensors()
    {
        foreach (PlacedLora at in parts)
        {
            string path = Prefix + at.Path;
            (Tensor down, Tensor up) = (at.Part.Down, at.Part.Up);
            if (at.Part.Start is { } start)
                (down, up) = (cat([down.detach(), start.Down], 0), cat([up.detach(), start.Up.neg()], 1));
            yield return ($"{path}.lora_A.weight", down);
            yield return ($"{path}.lora_B.weight", up);
            if (at.Part.Magnitude is { } magnitude)
                yield return ($"{path}.lora_magnitude_vector", magnitude);
        }
        foreach (OwnWeight weight in weights)
            yield return (Prefix + StoredName(weight.Name), weight.Own);
    }

    /// <summary>What a file calls a weight: PEFT's wrapped layers are one level deeper.</summary>
    public string StoredName(string weight)
    {
        int dot = weight.LastIndexOf('.');
        bool isWrapped = weight.EndsWith(".bias", StringComparison.Ordinal) && parts.Any(part => part.Path == weight[..dot]);
        return isWrapped ? $"{weight[..dot]}.base_layer{weight[dot..]}" : weight;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (OwnWeight weight in weights)
            weight.Own.Dispose();
    }

    /// <summary>Disposes it with its parts, as long as no layer owns them.</summary>
    public void Discard()
    {
        foreach (PlacedLora at in parts)
            at.Part.Dispose();
        Dispose();
    }
}
