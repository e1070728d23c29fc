using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>The projection of the LLaMA family, whose weight lies [output, input]; with or without a bias.</summary>
internal sealed class Projection : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter? _bias;

    public Projection(WeightSource weights, string name, long input, long output, double deviation, bool hasBias)
        : base(nameof(Projection))
    {
        _weight = weights.Take(name + ".weight", Fresh.Normal(deviation), output, input);
        _bias = hasBias ? weights.Take(name + ".bias", Fresh.Zero, output) : null;
        RegisterComponents();
    }

    public Parameter Weight => _weight;

    public Parameter? Bias => _bias;

    public override Tensor forward(Tensor input) => nn.functional.linear(input, _weight, _bias); // [..., input] -> [..., output]
}
