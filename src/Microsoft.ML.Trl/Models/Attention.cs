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

/// <summary>Norms of queries and keys, head by head: arXiv:2302.05442, section 3.</summary>
internal sealed record HeadNorms(nn.Module<Tensor, Tensor> Queries, nn.Module<Tensor, Tensor> Keys);

/// <summary>Softmax attention over heads that may share keys and values: arXiv:1706.03762, arXiv:2305.13245.</summary>
internal sealed class Attention : nn.Module
{
    private readonly AttentionShape _shape;
    private readonly QueryKeyValue _inputs;
    private readonly HeadNorms? _norms;
    private readonly ILinear _output;
    private readonly Positions _positions; // the decoder owns it

    public Attention(
        string name, AttentionShape shape, QueryKeyValue inputs, ILinear output, Positions positions, HeadNorms? norms = null)
        : base(name)
    {
        (_shape, _inputs, _output, _positions, _norms) = (shape, inputs, output, positions, norms);
        this.Own([.. inputs.Layers.Select(input => input.Module), output.Module]);
        if (norms is not null)
            this.Own(norms.Queries, norms.Keys);
    }

    /// <summary>Drops attention weights during training.</summary>
    public Dropout Dropout { get; set; } = Dropout.None;

    /// <param name="x">[B·T, H].</param>
    /// <param name="pattern">Who sees whom.</param>
    /// <param name="cache">Earlier tokens; the new ones are added.</param>
    /// <param name="rows">[N] the rows that anybody asks for; null = all.</param>
    /// <returns>[B·T, H], or [N, H] where rows were given. The caller owns it.</returns>
    public Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        (Tensor queries, Tensor keys, Tensor values) = Project(x, pattern);
        if (cache is not null)
            (keys, values) = cache.Append(_shape.Layer, keys, values);
        if (pattern.Reach(_shape.Window) is { } reach)
            (keys, values) = (keys.narrow(2, keys.shape[2] - reach, reach), values.narrow(2, values.shape[2] - reach, reach));
        Tensor mixed = _shape.SoftCap is not null || (training && !Dropout.IsOff)
            ? Composed(queries, keys, values, pattern)
            : Fused(queries, keys, values, pattern);
        mixed = (pattern.Length == 1 ? mixed : mixed.transpose(1, 2)).reshape(pattern.Batch * pattern.Length, -1); // [B·T, h·d]
        return _output.Forward(rows is null ? mixed : mixed.index_select(0, rows)).MoveToOuterDisposeScope();
    }

    /// <summary>Queries [B, h, T, d], keys and values [B, kv, T, d].</summary>
    private (Tensor Queries, Tensor Keys, Tensor Values) Project(Tensor x, AttentionPattern pattern)
    {
        (Tensor queries, Tensor keys, Tensor values) = _inputs.Project(x);
        (queries, keys, values) = (Heads(queries, pattern), Heads(keys, pattern), Heads(values, pattern));
        if (_norms is not null)
            (queries, keys) = (_norms.Queries.forward(queries), _norms.Keys.forward(keys));
        (queries, keys) = (_positions.Turn(queries, pattern), _positions.Turn(keys, pattern));
        return pattern.Length == 1 ? (queries, keys, values) : (queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2));
    }

    /// <summary>What is added to the scores: [B or 1, h or 1, T, S]; null when there is nothing.</summary>
    private Tensor? Added(AttentionPattern pattern, ScalarType type)
    {
        Tensor? mask = pattern.Mask(_shape.Window, type);
        if (!_positions.HasBias)
            return mask;
        return pattern.Once((_positions, _shape.Window, type), () =>
        {
            Tensor bias = _positions.Bias(pattern, type);
            if (pattern.Reach(_shape.Window) is { } reach)
                bias = bias.narrow(3, bias.shape[3] - reach, reach);
            return [mask is null ? bias : bias + mask];
        })[0];
    }

    /// <summary>[B, T, heads, d]; of single tokens [B, heads, 1, d], which is the same and what attention wants.</summary>
    private Tensor Heads(Tensor part, AttentionPattern pattern) => pattern.Length == 1
        ? part.view(pattern.Batch, -1, 1, _shape.HeadSize)
        : part.view(pattern.Batch, pattern.Length, -1, _shape.HeadSize);

    /// <summary>By libtorch's fused operator. Of single tokens the heads come in any grouping.</summary>
    private Tensor Fused(Tensor queries, Tensor keys, Tensor values, AttentionPattern pattern) // -> [B, h, T, d]
    {
        ScalarType type = queries.dtype;
        // on the CPU, the gradient and the step of one query take two to four times as long in 16 bits as in 32; the rest does not
        if (queries.device_type == DeviceType.CPU && (is_grad_enabled() || pattern.Length == 1))
            (queries, keys, values) = (Wide(queries), Wide(keys), Wide(values));
        bool isGrouped = _shape.Heads != _shape.KeyValueHeads;
        if (isGrouped && pattern.Length == 1) // heads that share keys are queries beside each other
            (queries, isGrouped) = (queries.view(pattern.Batch, _shape.KeyValueHeads, -1, _shape.HeadSize), false);
        bool isCausal = !_positions.HasBias && pattern.IsCausal(_shape.Window);
        Tensor? mask = isCausal ? null : Added(pattern, queries.dtype);
        if (mask is not null && mask.shape[1] > 1 && queries.shape[1] != _shape.Heads)
            mask = mask.view(mask.shape[0], queries.shape[1], -1, mask.shape[3]);
        Tensor mixed = Functional.ScaledDotProductAttention(queries, keys, values, mask, isCausal, _shape.Scale, isGrouped);
        return mixed.dtype == type ? mixed : mixed.to_type(type);
    }

    private static Tensor Wide(Tensor tensor) =>
        tensor.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? tensor.to_type(ScalarType.Float32) : tensor;

    /// <summary>The same step by step. Dropout needs it: the fused operator draws from the global generator.</summary>
    private Tensor Composed(Tensor queries, Tensor keys, Tensor values, AttentionPattern pattern) // -> [B, h, T, d]
    {
        long[] shape = queries.shape;
        (long shared, long group, long seen) = (_shape.KeyValueHeads, _shape.Heads / _shape.KeyValueHeads, keys.shape[2]);
        Tensor grouped = (queries * _shape.Scale).reshape(shape[0], shared, group * shape[2], shape[3]);
        Tensor scores = grouped.matmul(keys.transpose(-1, -2)); // [B, kv, g·T, S]
        if (_shape.SoftCap is { } cap)
            scores = (scores / cap).tanh() * cap;
        if (Added(pattern, scores.dtype) is { } mask)
        {
            mask = mask.shape[1] == 1 ? mask.unsqueeze(2) : mask.view(mask.shape[0], shared, group, mask.shape[2], seen);
            scores = scores.view(shape[0], shared, group, shape[2], seen).add(mask).view(scores.shape);
        }
        Tensor weights = scores.softmax(-1, ScalarType.Float32).to_type(queries.dtype);
        return Dropout.Apply(weights, training).matmul(values).view(shape);
    }
}
