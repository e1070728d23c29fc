using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Root mean square layer normalization: arXiv:1910.07467. The square is taken in float32.</summary>
internal sealed class RootMeanSquareNorm : nn.Module<Tensor, Tensor>
{
    private readonly double _epsilon;
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    public RootMeanSquareNorm(WeightSource weights, string name, long width, double epsilon)
        : base(nameof(RootMeanSquareNorm))
    {
        _epsilon = epsilon;
        _weight = weights.Take(name + ".weight", Fresh.One, width);
        RegisterComponents();
    }

    public Parameter Weight => _weight;

    public double Epsilon => _epsilon;

    public override Tensor forward(Tensor input) // [..., width] -> [..., width]
    {
        using var scope = NewDisposeScope();
        Tensor wide = input.to_type(ScalarType.Float32);
        Tensor scale = wide.square().mean([-1], true).add_(_epsilon).rsqrt_(); // [..., 1]
        return ((wide * scale).to_type(input.dtype) * _weight).MoveToOuterDisposeScope();
    }
}
