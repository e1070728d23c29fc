using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Layer normalization with weight and bias: arXiv:1607.06450.</summary>
internal sealed class LayerNormalization : nn.Module<Tensor, Tensor>
{
    private readonly double _epsilon;
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter _bias;

    public LayerNormalization(WeightSource weights, string name, long width, double epsilon)
        : base(nameof(LayerNormalization))
    {
        _epsilon = epsilon;
        _weight = weights.Take(name + ".weight", Fresh.One, width);
        _bias = weights.Take(name + ".bias", Fresh.Zero, width);
        RegisterComponents();
    }

    public Parameter Weight => _weight;

    public Parameter Bias => _bias;

    public double Epsilon => _epsilon;

    public override Tensor forward(Tensor input) => nn.functional.layer_norm(input, [_weight.shape[0]], _weight, _bias, _epsilon); // [..., width] -> [..., width]
}
