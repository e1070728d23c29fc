using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>One learned row per token.</summary>
internal sealed class TokenEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    public TokenEmbedding(WeightPath at, long tokens, long width, Initializer initializer)
        : base(at.Name) => register_parameter("weight", _weight = at.Take("weight", initializer, tokens, width));

    /// <summary>[V, H]. The module owns it.</summary>
    public Parameter Weight => _weight;

    public override Tensor forward(Tensor input) => EmbeddingLookup.Rows(_weight, input); // [N] -> [N, H]
}
