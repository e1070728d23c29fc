using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Norms of queries and keys, head by head: arXiv:2302.05442, section 3.</summary>
internal sealed record HeadNorms(nn.Module<Tensor, Tensor> Queries, nn.Module<Tensor, Tensor> Keys);

/// <summary>Attention of tokens to each other, with their cache and their positions.</summary>
internal sealed class Attention : nn.Module
{
    private readonly AttentionShape _shape;
    private readonly SoftmaxAttention _softmax;
    private readonly QueryKeyValue _inputs;
    private readonly HeadNorms? _norms;
    private readonly ILinear _output;
    private readonly Positions _positions; // the decoder owns it

    public Attention(
        string name, AttentionShape shape, QueryKeyValue inputs, ILinear output, Positions positions, HeadNorms? norms = null)
        : base(name)
    {
        (_shape, _inputs, _output, _positions, _norms) = (shape, inputs, output, positions, norms);
        _softmax = new SoftmaxAttention(shape);
        this.Own([.. inputs.Layers.Select(input => input.Module), output.Module]);
        if (norms is not null)
            this.Own(norms.Queries, norms.Keys);
    }

    /// <summary>The projections to queries, keys and values.</summary>
    public QueryKeyValue Inputs => _inputs;

    /// <summary>Drops attention weights during training.</summary>
    public Dropout Dropout
    {
        get => _softmax.Dropout;
        set => _softmax.Dropout = value;
    }

    /// <param name="x">[B·T, H].</param>
    /// <param name="pattern">Who sees whom.</param>
    /// <param name="cache">Earlier tokens; the new ones are added.</param>
    /// <param name="rows">[N] the rows that anybody asks for; null = all.</param>
    /// <returns>[B·T, H], or [N, H] where rows were given. The caller owns it.</returns>
    public Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        (Tensor queries, Tensor keys, Tensor values) = Project(x, pattern);
        KeysAndValues seen = cache?.Append(_shape.Layer, keys, values) ?? new KeysAndValues(keys, values);
        Tensor mixed = pattern.Texts is { } texts ? MixTexts(queries, keys, values, texts) : Mix(queries, seen, pattern);
        return _output.Forward(rows is null ? mixed : mixed.index_select(0, rows)).MoveToOuterDisposeScope();
    }

    /// <summary>[B·T, h·d].</summary>
    private Tensor Mix(Tensor queries, KeysAndValues seen, AttentionPattern pattern)
    {
        seen = seen.Last(pattern.Reach(_shape.Window));
        if (seen.Shared is not null)
            return _softmax.MixShared(queries, seen, type => Added(pattern, type));
        bool isCausal = !_positions.HasBias && pattern.IsCausal(_shape.Window);
        return _softmax.Mix(queries, seen.Keys, seen.Values, type => Added(pattern, type), isCausal, training);
    }

    /// <summary>Mixes each of the texts that stand one behind the other in a row, [1, heads, N, d], by itself: [N, h·d].</summary>
    private Tensor MixTexts(Tensor queries, Tensor keys, Tensor values, IReadOnlyList<TextRun> texts)
    {
        (Tensor[] q, Tensor[] k, Tensor[] v) = (TextRun.Split(queries, texts), TextRun.Split(keys, texts), TextRun.Split(values, texts));
        return cat([.. texts.Select((run, i) => Mix(q[i], new KeysAndValues(run.Whole(k, i), run.Whole(v, i)), run.Pattern))]);
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
}
