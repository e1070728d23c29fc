using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// A block of an encoder or decoder of T5, arXiv:1910.10683, section 2.1: attention, in a decoder attention to the encoder, then
/// feed-forward; each behind a norm and added to the residual stream.
/// </summary>
internal sealed class EncoderDecoderBlock : Block
{
    private readonly nn.Module<Tensor, Tensor> _attentionNorm, _feedForwardNorm;
    private readonly Attention _attention;
    private readonly nn.Module<Tensor, Tensor>? _crossNorm;
    private readonly CrossAttention? _cross;
    private readonly DroppingFeedForward _feedForward;

    /// <param name="attentionNorm">In front of attention.</param>
    /// <param name="attention">Among the tokens themselves.</param>
    /// <param name="cross">Attention to the encoder and the norm in front of it, in decoders; null = none.</param>
    /// <param name="feedForwardNorm">In front of the feed-forward layer.</param>
    /// <param name="feedForward">Reads its norm.</param>
    public EncoderDecoderBlock(
        nn.Module<Tensor, Tensor> attentionNorm, Attention attention, (nn.Module<Tensor, Tensor> Norm, CrossAttention Attention)? cross,
        nn.Module<Tensor, Tensor> feedForwardNorm, DroppingFeedForward feedForward)
        : base(attention)
    {
        (_attentionNorm, _attention, _feedForwardNorm, _feedForward) = (attentionNorm, attention, feedForwardNorm, feedForward);
        (_crossNorm, _cross) = (cross?.Norm, cross?.Attention);
        this.Own(attention, attentionNorm);
        if (cross is { } parts)
            this.Own(parts.Attention, parts.Norm);
        this.Own(feedForward, feedForwardNorm);
    }

    public override void SetDropout(Dropout weights, Dropout residual)
    {
        base.SetDropout(weights, residual);
        if (_cross is not null)
            _cross.Dropout = weights;
        _feedForward.Dropout = residual;
    }

    public override Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        Tensor? attended = _cross is null ? rows : null; // attention to the encoder needs all rows of a text
        Tensor seen = Dropped(_attention.Forward(_attentionNorm.forward(x), pattern, cache, attended)).add_(At(x, attended));
        if (_cross is not null)
            seen = Dropped(_cross.Forward(_crossNorm!.forward(seen), pattern, rows)).add_(At(seen, rows));
        return Dropped(_feedForward.forward(_feedForwardNorm.forward(seen))).add_(seen).MoveToOuterDisposeScope();
    }

    private Tensor Dropped(Tensor part) => Residual.Apply(part, training);
}
