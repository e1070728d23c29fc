using Microsoft.ML.Trl.Operators;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Layer normalization with weight and bias: arXiv:1607.06450. Mean and variance are taken in float32 whatever the type.</summary>
internal sealed class LayerNormalization : nn.Module<Tensor, Tensor>
{
    private readonly long[] _shape;
    private readonly double _epsilon;
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter _bias;

    public LayerNormalization(WeightPath at, long width, double epsilon) : base(at.Name)
    {
        (_shape, _epsilon) = ([width], epsilon);
        register_parameter("weight", _weight = at.Take("weight", Initializer.Ones, width));
        register_parameter("bias", _bias = at.Take("bias", Initializer.Zeros, width));
    }

    public override Tensor forward(Tensor input) => // [..., width] -> [..., width]
        nn.functional.layer_norm(input, _shape, _weight, _bias, _epsilon);
}

/// <summary>Layer normalization without weight and bias.</summary>
internal sealed class PlainLayerNormalization(string name, long width, double epsilon) : nn.Module<Tensor, Tensor>(name)
{
    private readonly long[] _shape = [width];

    public override Tensor forward(Tensor input) => // [..., width] -> [..., width]
        nn.functional.layer_norm(input, _shape, null, null, epsilon);
}

/// <summary>Root mean square normalization: arXiv:1910.07467. The square is taken in float32 whatever the type.</summary>
internal sealed class RmsNormalization : nn.Module<Tensor, Tensor>
{
    private readonly double _epsilon;
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    public RmsNormalization(WeightPath at, long width, double epsilon) : base(at.Name)
    {
        _epsilon = epsilon;
        register_parameter("weight", _weight = at.Take("weight", Initializer.Ones, width));
    }

    public override Tensor forward(Tensor input) => Functional.RmsNorm(input, _weight, _epsilon); // [..., width] -> [..., width]
}

/// <summary>Root mean square normalization whose weights count from 1, as in Gemma: multiplied in float32, rounded once.</summary>
internal sealed class ShiftedRmsNormalization : nn.Module<Tensor, Tensor>
{
    private readonly double _epsilon;
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    public ShiftedRmsNormalization(WeightPath at, long width, double epsilon) : base(at.Name)
    {
        _epsilon = epsilon;
        register_parameter("weight", _weight = at.Take("weight", Initializer.Zeros, width));
    }

    public override Tensor forward(Tensor input) // [..., width] -> [..., width]
    {
        using var scope = NewDisposeScope();
        Tensor factors = _weight.to_type(ScalarType.Float32) + 1;
        return Functional.RmsNorm(input.to_type(ScalarType.Float32), factors, _epsilon).to_type(input.dtype).MoveToOuterDisposeScope();
    }
}
