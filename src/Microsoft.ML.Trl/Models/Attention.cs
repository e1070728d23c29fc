using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Softmax attention over heads that may share keys and values: arXiv:1706.03762, arXiv:2305.13245.</summary>
internal static class Attention
{
    /// <summary>Plain tensor operations, for every device and type.</summary>
    /// <param name="queries">[B, h, T, d]; h is a multiple of the key-value heads.</param>
    /// <param name="keys">[B, kv, S, d].</param>
    /// <param name="values">[B, kv, S, d].</param>
    /// <param name="pattern">Who sees whom.</param>
    /// <param name="window">How far back a query looks; null without limit.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="drop">Drops attention weights; null outside of training.</param>
    /// <returns>[B, T, h·d]. The caller owns it.</returns>
    public static Tensor Composed(Tensor queries, Tensor keys, Tensor values, AttentionPattern pattern, int? window, double scale, Func<Tensor, Tensor>? drop = null)
    {
        using var scope = NewDisposeScope();
        (long batch, long heads, long length, long width) = (queries.shape[0], queries.shape[1], queries.shape[2], queries.shape[3]);
        (long shared, long seen) = (keys.shape[1], keys.shape[2]);
        long group = heads / shared;
        Tensor grouped = (queries * scale).reshape(batch, shared, group * length, width);
        Tensor scores = grouped.matmul(keys.transpose(-1, -2)); // [B, kv, g·T, S]
        if (pattern.Forbidden(window) is { } forbidden)
        {
            scores = scores.view(batch, shared, group, length, seen);
            scores = scores.masked_fill(forbidden.unsqueeze(1), double.NegativeInfinity);
        }
        Tensor weights = scores.softmax(-1, ScalarType.Float32).to_type(queries.dtype).view(batch, shared, group * length, seen);
        if (drop is not null)
            weights = drop(weights);
        return weights.matmul(values)            // [B, kv, g·T, d]
            .view(batch, heads, length, width)
            .transpose(1, 2)
            .reshape(batch, length, heads * width)
            .MoveToOuterDisposeScope();
    }
}
