using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>One block of a decoder: attention and feed-forward around a residual stream.</summary>
internal abstract class Block(Attention attention) : nn.Module(nameof(Block))
{
    /// <summary>Drops entries before they join the residual stream.</summary>
    protected Dropout Residual { get; private set; } = Dropout.None;

    /// <summary>Sets what is dropped during training: attention weights, and entries before they join the residual stream.</summary>
    public virtual void SetDropout(Dropout weights, Dropout residual) => (attention.Dropout, Residual) = (weights, residual);

    /// <inheritdoc cref="Attention.Forward"/>
    public abstract Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null);

    /// <summary>Parameters that no other block reads.</summary>
    public IEnumerable<Tensor> OwnParameters() => Except(module => module is Positions or RelativeBias);

    /// <summary>Parameters that stand in the block in a checkpoint; of T5's first block, the bias that all share, too.</summary>
    public IEnumerable<Tensor> StoredParameters() => Except(module => module is Positions);

    /// <summary>TorchSharp counts what a field holds among the parts of a module, even if another owns it, as the positions.</summary>
    private IEnumerable<Tensor> Except(Func<nn.Module, bool> isShared)
    {
        HashSet<nint> shared = [.. modules().Where(isShared).SelectMany(part => part.parameters()).Select(parameter => parameter.Handle)];
        return parameters().Where(parameter => !shared.Contains(parameter.Handle)).DistinctBy(parameter => parameter.Handle);
    }

    /// <summary>What stands in the residual stream at the rows that anybody asks for.</summary>
    protected static Tensor At(Tensor x, Tensor? rows) => rows is null ? x : x.index_select(0, rows);
}

/// <summary>Attention, then feed-forward, each behind a norm and added to the residual stream; perhaps normed before that, too.</summary>
internal sealed class SequentialBlock : Block
{
    private readonly nn.Module<Tensor, Tensor> _attentionNorm, _feedForwardNorm, _feedForward;
    private readonly nn.Module<Tensor, Tensor>? _afterAttention, _afterFeedForward;
    private readonly MixtureOfExperts? _experts; // the feed-forward layer, where it is one
    private readonly Attention _attention;

    public SequentialBlock(
        nn.Module<Tensor, Tensor> attentionNorm, Attention attention,
        nn.Module<Tensor, Tensor> feedForwardNorm, nn.Module<Tensor, Tensor> feedForward,
        nn.Module<Tensor, Tensor>? afterAttention = null, nn.Module<Tensor, Tensor>? afterFeedForward = null)
        : base(attention)
    {
        (_attentionNorm, _attention, _feedForwardNorm, _feedForward) = (attentionNorm, attention, feedForwardNorm, feedForward);
        (_afterAttention, _afterFeedForward, _experts) = (afterAttention, afterFeedForward, feedForward as MixtureOfExperts);
        this.Own(attentionNorm, attention);
        if (afterAttention is not null)
            this.Own(afterAttention);
        this.Own(feedForwardNorm, feedForward);
        if (afterFeedForward is not null)
            this.Own(afterFeedForward);
    }

    public override Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        Tensor attended = After(_afterAttention, _attention.Forward(_attentionNorm.forward(x), pattern, cache, rows));
        Tensor seen = Residual.Apply(attended, training).add_(At(x, rows));
        Tensor normed = _feedForwardNorm.forward(seen);
        Tensor inner = _experts is null ? _feedForward.forward(normed) : _experts.Forward(normed, pattern.RouterLoad);
        return Residual.Apply(After(_afterFeedForward, inner), training).add_(seen).MoveToOuterDisposeScope();
    }

    private static Tensor After(nn.Module<Tensor, Tensor>? norm, Tensor x) => norm is null ? x : norm.forward(x);
}

/// <summary>Attention and feed-forward beside each other, both added to the residual stream: GPT-J, section "parallel" of PaLM.</summary>
internal sealed class ParallelBlock : Block
{
    private readonly nn.Module<Tensor, Tensor> _norm, _feedForward;
    private readonly nn.Module<Tensor, Tensor>? _feedForwardNorm;
    private readonly Attention _attention;

    /// <param name="norm">In front of attention, and of the feed-forward layer where that has none of its own.</param>
    /// <param name="attention">Reads the norm.</param>
    /// <param name="feedForwardNorm">In front of the feed-forward layer; null = the first norm.</param>
    /// <param name="feedForward">Reads its norm.</param>
    public ParallelBlock(
        nn.Module<Tensor, Tensor> norm, Attention attention, nn.Module<Tensor, Tensor>? feedForwardNorm,
        nn.Module<Tensor, Tensor> feedForward)
        : base(attention)
    {
        (_norm, _attention, _feedForwardNorm, _feedForward) = (norm, attention, feedForwardNorm, feedForward);
        this.Own(norm, attention);
        if (feedForwardNorm is not null)
            this.Own(feedForwardNorm);
        this.Own(feedForward);
    }

    public override Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        Tensor normed = _norm.forward(x), kept = At(x, rows);
        Tensor attended = Residual.Apply(_attention.Forward(normed, pattern, cache, rows), training);
        Tensor read = _feedForwardNorm is null ? At(normed, rows) : _feedForwardNorm.forward(kept);
        Tensor thought = Residual.Apply(_feedForward.forward(read), training);
        return (attended + thought).add_(kept).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention, then feed-forward, each added to the residual stream and normed afterwards: arXiv:1706.03762, section 3.1.</summary>
internal sealed class PostNormBlock : Block
{
    private readonly nn.Module<Tensor, Tensor> _attentionNorm, _feedForwardNorm, _feedForward;
    private readonly Attention _attention;

    private readonly bool _dropsAttention;

    /// <param name="attention">Reads the residual stream.</param>
    /// <param name="attentionNorm">Behind it.</param>
    /// <param name="feedForward">Reads that norm.</param>
    /// <param name="feedForwardNorm">Behind it.</param>
    /// <param name="dropsAttention">Whether dropout also stands behind attention; in DistilBERT it does not.</param>
    public PostNormBlock(
        Attention attention, nn.Module<Tensor, Tensor> attentionNorm,
        nn.Module<Tensor, Tensor> feedForward, nn.Module<Tensor, Tensor> feedForwardNorm, bool dropsAttention = true)
        : base(attention)
    {
        _dropsAttention = dropsAttention;
        (_attentionNorm, _attention, _feedForwardNorm, _feedForward) = (attentionNorm, attention, feedForwardNorm, feedForward);
        this.Own(attention, attentionNorm, feedForward, feedForwardNorm);
    }

    public override Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        Tensor attended = _attention.Forward(x, pattern, cache, rows);
        if (_dropsAttention)
            attended = Residual.Apply(attended, training);
        Tensor seen = _attentionNorm.forward(attended.add_(At(x, rows)));
        Tensor thought = Residual.Apply(_feedForward.forward(seen), training);
        return _feedForwardNorm.forward(thought.add_(seen)).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention, then feed-forward, each behind a norm and added to what it read, the norm's output: a variant of BLOOM.</summary>
internal sealed class NormedResidualBlock : Block
{
    private readonly nn.Module<Tensor, Tensor> _attentionNorm, _feedForwardNorm, _feedForward;
    private readonly Attention _attention;

    public NormedResidualBlock(
        nn.Module<Tensor, Tensor> attentionNorm, Attention attention,
        nn.Module<Tensor, Tensor> feedForwardNorm, nn.Module<Tensor, Tensor> feedForward)
        : base(attention)
    {
        (_attentionNorm, _attention, _feedForwardNorm, _feedForward) = (attentionNorm, attention, feedForwardNorm, feedForward);
        this.Own(attentionNorm, attention, feedForwardNorm, feedForward);
    }

    public override Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        Tensor read = _attentionNorm.forward(x);
        Tensor seen = Residual.Apply(_attention.Forward(read, pattern, cache, rows), training).add_(At(read, rows));
        Tensor normed = _feedForwardNorm.forward(seen);
        return Residual.Apply(_feedForward.forward(normed), training).add_(normed).MoveToOuterDisposeScope();
    }
}
