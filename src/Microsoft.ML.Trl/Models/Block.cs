using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>One block: attention, then feed-forward, each behind a norm and added to the residual stream.</summary>
internal sealed class Block : nn.Module
{
    private readonly nn.Module<Tensor, Tensor> _attentionNorm;
    private readonly Attention _attention;
    private readonly nn.Module<Tensor, Tensor> _feedForwardNorm;
    private readonly nn.Module<Tensor, Tensor> _feedForward;
    private Dropout _dropout = Dropout.None;

    public Block(
        nn.Module<Tensor, Tensor> attentionNorm, Attention attention,
        nn.Module<Tensor, Tensor> feedForwardNorm, nn.Module<Tensor, Tensor> feedForward)
        : base(nameof(Block))
    {
        (_attentionNorm, _attention, _feedForwardNorm, _feedForward) = (attentionNorm, attention, feedForwardNorm, feedForward);
        this.Own(attentionNorm, attention, feedForwardNorm, feedForward);
    }

    /// <summary>Sets what is dropped during training: attention weights, and entries before they join the residual stream.</summary>
    public void SetDropout(Dropout attention, Dropout residual) => (_attention.Dropout, _dropout) = (attention, residual);

    /// <inheritdoc cref="Attention.Forward"/>
    public Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        Tensor attended = _attention.Forward(_attentionNorm.forward(x), pattern, cache, rows);
        Tensor seen = _dropout.Apply(attended, training).add_(rows is null ? x : x.index_select(0, rows));
        Tensor thought = _dropout.Apply(_feedForward.forward(_feedForwardNorm.forward(seen)), training);
        return thought.add_(seen).MoveToOuterDisposeScope();
    }
}

/// <summary>Builds trees of modules whose names are those of a checkpoint.</summary>
internal static class ModuleTree
{
    /// <summary>Registers parts under their own names.</summary>
    public static void Own(this nn.Module owner, params ReadOnlySpan<nn.Module> parts)
    {
        foreach (nn.Module part in parts)
            owner.register_module(part.GetName(), part);
    }
}
