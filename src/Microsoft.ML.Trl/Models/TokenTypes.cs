using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>One learned row per kind of token: encoders tell the two sides of a pair apart by it (arXiv:1810.04805, section 3).</summary>
internal sealed class TokenTypes : nn.Module
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    /// <param name="at">Place in the checkpoint.</param>
    /// <param name="count">Kinds.</param>
    /// <param name="width">H.</param>
    /// <param name="initializer">How fresh rows are drawn.</param>
    public TokenTypes(WeightPath at, int count, long width, Initializer initializer) : base(at.Name)
    {
        Count = count;
        register_parameter("weight", _weight = at.Take("weight", initializer, count, width));
    }

    /// <summary>Kinds.</summary>
    public int Count { get; }

    /// <summary>Adds the row of each token's kind.</summary>
    /// <param name="tokens">[B·T, H] embeddings that nobody else needs; may be overwritten.</param>
    /// <param name="pattern">Knows the kinds.</param>
    /// <returns>[B·T, H]. The caller owns it.</returns>
    public Tensor AddTo(Tensor tokens, AttentionPattern pattern)
    {
        using var scope = NewDisposeScope();
        Tensor rows = pattern.TokenTypes is { } types ? EmbeddingLookup.Rows(_weight, types.reshape(-1)) : _weight.narrow(0, 0, 1);
        return tokens.add_(rows).MoveToOuterDisposeScope();
    }
}
