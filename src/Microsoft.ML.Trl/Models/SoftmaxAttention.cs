using Microsoft.ML.Trl.Operators;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Sizes of an attention layer and how it scores.</summary>
/// <param name="Layer">Number of its block, from 0.</param>
/// <param name="Heads">Heads of queries, h.</param>
/// <param name="KeyValueHeads">Heads of keys and values, kv; divides the heads of queries.</param>
/// <param name="HeadSize">Width of a head, d.</param>
/// <param name="Scale">Factor of the scores.</param>
/// <param name="Window">Tokens a query looks back, itself included; null without limit.</param>
/// <param name="SoftCap">c of <c>c tanh(score / c)</c>, which keeps scores between -c and c: arXiv:2408.00118; null = none.</param>
internal sealed record AttentionShape(
    int Layer, int Heads, int KeyValueHeads, int HeadSize, double Scale, int? Window = null, double? SoftCap = null);

/// <summary>Values mixed by the softmax of scores, in heads that may share keys and values: arXiv:1706.03762, arXiv:2305.13245.</summary>
/// <param name="shape">Sizes.</param>
internal sealed class SoftmaxAttention(AttentionShape shape)
{
    /// <summary>Drops attention weights during training.</summary>
    public Dropout Dropout { get; set; } = Dropout.None;

    /// <param name="queries">[B, h, T, d].</param>
    /// <param name="keys">[B, kv, S, d].</param>
    /// <param name="values">[B, kv, S, d].</param>
    /// <param name="added">Given the type of the scores, what is added to them, [B or 1, h or 1, T, S]; null when there is nothing.</param>
    /// <param name="isCausal">Whether what is added says no more than that nobody looks ahead.</param>
    /// <param name="training">Whether weights are dropped.</param>
    /// <returns>[B·T, h·d], in the current scope.</returns>
    public Tensor Mix(Tensor queries, Tensor keys, Tensor values, Func<ScalarType, Tensor?> added, bool isCausal, bool training)
    {
        (long batch, long length) = (queries.shape[0], queries.shape[2]);
        Tensor mixed = shape.SoftCap is not null || (training && !Dropout.IsOff)
            ? Composed(queries, keys, values, added, training)
            : Fused(queries, keys, values, added, isCausal);
        return (length == 1 ? mixed : mixed.transpose(1, 2)).reshape(batch * length, -1);
    }

    /// <summary>The same of single tokens whose texts share a beginning, which is read once for all of them. Without dropout.</summary>
    /// <param name="queries">[B, h, 1, d].</param>
    /// <param name="seen">Of the texts, [B, kv, S, d], and of their beginnings, [G, kv, P, d].</param>
    /// <param name="added">Given the type of the scores, what is added, [B or 1, h or 1, 1, P + S]; null when there is nothing.</param>
    /// <returns>[B, h·d], in the current scope.</returns>
    public Tensor MixShared(Tensor queries, KeysAndValues seen, Func<ScalarType, Tensor?> added)
    {
        ScalarType type = queries.dtype;
        KeysAndValues shared = seen.Shared!;
        if (queries.device_type == DeviceType.CPU) // as below
            (queries, seen, shared) = (Wide(queries), new(Wide(seen.Keys), Wide(seen.Values)), new(Wide(shared.Keys), Wide(shared.Values)));
        (long batch, long groups, long beginning) = (queries.shape[0], shared.Keys.shape[0], shared.Keys.shape[2]);
        (long heads, long group) = (shape.KeyValueHeads, shape.Heads / shape.KeyValueHeads);
        Tensor own = (queries * shape.Scale).view(batch, heads, group, shape.HeadSize);
        // [B, kv, g, n] as rows of [G, kv, B / G · g, n], and back
        Tensor Together(Tensor x) => x.view(groups, -1, heads, group, x.shape[3]).transpose(1, 2).reshape(groups, heads, -1, x.shape[3]);
        Tensor Apart(Tensor x) => x.view(groups, heads, -1, group, x.shape[3]).transpose(1, 2).reshape(batch, heads, group, x.shape[3]);
        Tensor scores = cat(
            [Apart(Together(own).matmul(shared.Keys.transpose(-1, -2))), own.matmul(seen.Keys.transpose(-1, -2))], -1); // [B, kv, g, P + S]
        Tensor weights = Weights(scores, added);
        Tensor mixed = Apart(Together(weights.narrow(-1, 0, beginning).contiguous()).matmul(shared.Values));
        return mixed.add_(weights.narrow(-1, beginning, weights.shape[3] - beginning).matmul(seen.Values)).reshape(batch, -1).to_type(type);
    }

    /// <summary>By libtorch's fused operator. Of single tokens the heads come in any grouping.</summary>
    private Tensor Fused(Tensor queries, Tensor keys, Tensor values, Func<ScalarType, Tensor?> added, bool isCausal) // -> [B, h, T, d]
    {
        ScalarType type = queries.dtype;
        (long batch, bool isSingle) = (queries.shape[0], queries.shape[2] == 1);
        // on the CPU, the gradient and the step of one query take two to four times as long in 16 bits as in 32; the rest does not
        if (queries.device_type == DeviceType.CPU && (is_grad_enabled() || isSingle))
            (queries, keys, values) = (Wide(queries), Wide(keys), Wide(values));
        bool isGrouped = shape.Heads != shape.KeyValueHeads;
        if (isGrouped && isSingle) // heads that share keys are queries beside each other
            (queries, isGrouped) = (queries.view(batch, shape.KeyValueHeads, -1, shape.HeadSize), false);
        Tensor? mask = isCausal ? null : added(queries.dtype);
        if (mask is not null && mask.shape[1] > 1 && queries.shape[1] != shape.Heads)
            mask = mask.view(mask.shape[0], queries.shape[1], -1, mask.shape[3]);
        Tensor mixed = Functional.ScaledDotProductAttention(queries, keys, values, mask, isCausal, shape.Scale, isGrouped);
        return mixed.dtype == type ? mixed : mixed.to_type(type);
    }

    private static Tensor Wide(Tensor tensor) =>
        tensor.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? tensor.to_type(ScalarType.Float32) : tensor;

    /// <summary>The same step by step. Dropout needs it: the fused operator draws from the global generator.</summary>
    private Tensor Composed(Tensor queries, Tensor keys, Tensor values, Func<ScalarType, Tensor?> added, bool training) // -> [B, h, T, d]
    {
        long[] sizes = queries.shape;
        (long shared, long group) = (shape.KeyValueHeads, shape.Heads / shape.KeyValueHeads);
        Tensor grouped = (queries * shape.Scale).reshape(sizes[0], shared, group * sizes[2], sizes[3]);
        Tensor weights = Weights(grouped.matmul(keys.transpose(-1, -2)), added);
        return Dropout.Apply(weights, training).matmul(values).view(sizes);
    }

    /// <summary>The softmax of scores [B, kv, g·T, S], capped and with what is added to them; shaped and typed as they are.</summary>
    private Tensor Weights(Tensor scores, Func<ScalarType, Tensor?> added)
    {
        if (shape.SoftCap is { } cap)
            scores = (scores / cap).tanh() * cap;
        if (added(scores.dtype) is { } mask)
        {
            long[] sizes = scores.shape;
            (long group, long seen) = (shape.Heads / shape.KeyValueHeads, sizes[3]);
            mask = mask.shape[1] == 1 ? mask.unsqueeze(2) : mask.view(mask.shape[0], sizes[1], group, mask.shape[2], seen);
            scores = scores.view(sizes[0], sizes[1], group, -1, seen).add(mask).view(sizes);
        }
        return scores.softmax(-1, ScalarType.Float32).to_type(scores.dtype);
    }
}
