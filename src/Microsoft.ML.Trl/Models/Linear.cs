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

/// <summary>The plain linear layer: a weight and perhaps a bias.</summary>
internal sealed class LinearLayer : nn.Module<Tensor, Tensor>, ILinear
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter? _bias;
    private readonly Func<Tensor, Tensor> _product;

    /// <summary>A layer at a place in the checkpoint; without a way to draw a bias it has none.</summary>
    public LinearLayer(
        WeightPath at, long inputs, long outputs, Initializer weight, Initializer? bias = null,
        WeightLayout layout = WeightLayout.OutputsByInputs)
        : base(at.Name)
    {
        bool isTransposed = layout == WeightLayout.InputsByOutputs;
        _weight = isTransposed ? at.Take("weight", weight, inputs, outputs) : at.Take("weight", weight, outputs, inputs);
        register_parameter("weight", _weight);
        if (bias is not null)
            register_parameter("bias", _bias = at.Take("bias", bias, outputs));
        _product = isTransposed ? Transposed : x => SmallBatchProduct.Linear(x, _weight, _bias);
    }

    /// <summary>[outputs, inputs] or [inputs, outputs]. The layer owns it.</summary>
    public Parameter Weight => _weight;

    /// <summary>[outputs], or null. The layer owns it.</summary>
    public Parameter? Bias => _bias;

    public nn.Module Module => this;

    Tensor ILinear.Weight => _weight;

    public Tensor Forward(Tensor x) => _product(x);

    public override Tensor forward(Tensor input) => _product(input);

    private Tensor Transposed(Tensor x) => SmallBatchProduct.Transposed(x, _weight, _bias);
}
