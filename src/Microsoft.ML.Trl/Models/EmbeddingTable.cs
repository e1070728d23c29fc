using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>One learned row per id.</summary>
internal sealed class EmbeddingTable : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    public EmbeddingTable(WeightSource weights, string name, long rows, long width, double deviation)
        : base(nameof(EmbeddingTable))
    {
        _weight = weights.Take(name + ".weight", Fresh.Normal(deviation), rows, width);
        RegisterComponents();
    }

    public Parameter Weight => _weight;

    public override Tensor forward(Tensor input) => EmbeddingLookup.Rows(_weight, input); // [N] -> [N, width]
}
