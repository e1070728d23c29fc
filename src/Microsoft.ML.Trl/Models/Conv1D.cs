using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>The projection of GPT-2, whose weight lies [input, output].</summary>
internal sealed class Conv1D : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter _bias;

    public Conv1D(WeightSource weights, string name, long input, long output, double deviation)
        : base(nameof(Conv1D))
    {
        _weight = weights.Take(name + ".weight", Fresh.Normal(deviation), input, output);
        _bias = weights.Take(name + ".bias", Fresh.Zero, output);
        RegisterComponents();
    }

    public Parameter Weight => _weight;

    public Parameter Bias => _bias;

    public override Tensor forward(Tensor input) // [..., input] -> [..., output]
    {
        using var scope = NewDisposeScope();
        long[] shape = input.shape;
        Tensor rows = addmm(_bias, input.reshape(-1, shape[^1]), _weight, 1, 1);
        shape[^1] = _bias.shape[0];
        return rows.view(shape).MoveToOuterDisposeScope();
    }
}
