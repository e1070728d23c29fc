using Microsoft.ML.Trl.Operators;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A linear layer, whatever form its weights have. The parts of a model know no more of it than this.</summary>
internal interface ILinear
{
    /// <summary>The module that holds its parameters, under its name in the checkpoint.</summary>
    nn.Module Module { get; }

    /// <summary>
    /// [outputs, inputs], or [inputs, outputs] where it lies so. The layer owns it, unless it is quantized: then it is widened, [outputs,
    /// inputs], and the caller's.
    /// </summary>
    Tensor Weight { get; }

    /// <summary>[outputs], or null. The layer owns it.</summary>
    Parameter? Bias { get; }

    /// <param name="x">[N, inputs].</param>
    /// <returns>[N, outputs]. The caller owns it.</returns>
    Tensor Forward(Tensor x);
}

/// <summary>How the weight of a linear layer lies in memory.</summary>
internal enum WeightLayout
{
    /// <summary>[outputs, inputs], as in torch.nn.Linear.</summary>
    OutputsByInputs,

    /// <summary>[inputs, outputs], as in GPT-2.</summary>
    InputsByOutputs,
}

/// <summary>What stands beside a linear layer and changes what it computes, but not its weights.</summary>
internal interface ILinearAdapter
{
    /// <summary>Whether it changes anything now.</summary>
    bool IsActive { get; }

    /// <summary>What the layer computes with it.</summary>
    /// <param name="layer">The layer itself.</param>
    /// <param name="x">[N, inputs].</param>
    /// <returns>[N, outputs]. The caller owns it.</returns>
    Tensor Forward(LinearModule layer, Tensor x);

    /// <summary>The weight of a layer without it that computes the same.</summary>
    /// <param name="layer">The layer itself.</param>
    /// <param name="weight">The layer's weight as a checkpoint has it; only read.</param>
    /// <returns>Shaped, laid out and typed as the weight. The caller owns it.</returns>
    Tensor Merged(LinearModule layer, Tensor weight);
}

/// <summary>A linear layer that adapters can stand beside.</summary>
internal abstract class LinearModule(string name, WeightLayout layout) : nn.Module<Tensor, Tensor>(name), ILinear
{
    /// <summary>How the weight lies in a checkpoint.</summary>
    public WeightLayout Layout => layout;

    public nn.Module Module => this;

    public abstract Tensor Weight { get; }

    /// <summary>Rows and columns of the weight, however it lies, and its type; none of it is widened for the answer.</summary>
    public abstract (long Outputs, long Inputs, ScalarType Type) Shape { get; }

    public abstract Parameter? Bias { get; }

    /// <summary>What changes its output; null = nothing.</summary>
    public ILinearAdapter? Adapter { get; set; }

    public Tensor Forward(Tensor x) => Adapter is { IsActive: true } adapter ? adapter.Forward(this, x) : Product(x);

    public sealed override Tensor forward(Tensor input) => Forward(input);

    /// <summary>What it computes by itself.</summary>
    /// <param name="x">[N, inputs].</param>
    /// <returns>[N, outputs]. The caller owns it.</returns>
    public abstract Tensor Product(Tensor x);

    /// <summary>Gives a part of an adapter a home among the layer's modules: it moves, is trained and is disposed with the layer.</summary>
    public void Take(nn.Module part) => register_module(part.GetName(), part);

    /// <summary>The opposite; the caller owns the part again.</summary>
    public void Release(nn.Module part) => _internal_submodules.Remove(part.GetName());
}

/// <summary>The plain linear layer: a weight and perhaps a bias.</summary>
internal sealed class LinearLayer : LinearModule
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter? _bias;

    /// <summary>A layer at a place in the checkpoint; without a way to draw a bias it has none.</summary>
    public LinearLayer(
        WeightPath at, long inputs, long outputs, Initializer weight, Initializer? bias = null,
        WeightLayout layout = WeightLayout.OutputsByInputs)
        : base(at.Name, layout)
    {
        _weight = layout == WeightLayout.InputsByOutputs
            ? at.Take("weight", weight, inputs, outputs)
            : at.Take("weight", weight, outputs, inputs);
        register_parameter("weight", _weight);
        if (bias is not null)
            register_parameter("bias", _bias = at.Take("bias", bias, outputs));
    }

    /// <summary>[outputs, inputs] or [inputs, outputs]. The layer owns it.</summary>
    public override Tensor Weight => _weight;

    public override (long Outputs, long Inputs, ScalarType Type) Shape => Layout == WeightLayout.InputsByOutputs
        ? (_weight.size(1), _weight.size(0), _weight.dtype)
        : (_weight.size(0), _weight.size(1), _weight.dtype);

    /// <summary>[outputs], or null. The layer owns it.</summary>
    public override Parameter? Bias => _bias;

    public override Tensor Product(Tensor x) => Layout == WeightLayout.InputsByOutputs
        ? SmallBatchProduct.Transposed(x, _weight, _bias)
        : SmallBatchProduct.Linear(x, _weight, _bias);
}
