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
        (long shared, long group, long seen) = (shape.KeyValueHeads, shape.Heads / shape.KeyValueHeads, keys.shape[2]);
        Tensor grouped = (queries * shape.Scale).reshape(sizes[0], shared, group * sizes[2], sizes[3]);
        Tensor scores = grouped.matmul(keys.transpose(-1, -2)); // [B, kv, g·T, S]
        if (shape.SoftCap is { } cap)
            scores = (scores / cap).tanh() * cap;
        if (added(scores.dtype) is { } mask)
        {
            mask = mask.shape[1] == 1 ? mask.unsqueeze(2) : mask.view(mask.shape[0], shared, group, mask.shape[2], seen);
            scores = scores.view(sizes[0], shared, group, sizes[2], seen).add(mask).view(scores.shape);
        }
        Tensor weights = scores.softmax(-1, ScalarType.Float32).to_type(queries.dtype);
        return Dropout.Apply(weights, training).matmul(values).view(sizes);
    }
}
