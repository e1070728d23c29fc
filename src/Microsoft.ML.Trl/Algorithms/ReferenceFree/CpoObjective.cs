using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.ReferenceFree;

/// <summary>The loss that the options name, and the likelihood of the chosen answers. Which it is was chosen at construction.</summary>
/// <param name="options">Validated.</param>
internal sealed class CpoObjective(CpoOptions options) : IPairObjective
{
    private readonly bool _perToken = options.LossType is CpoLossType.Ipo or CpoLossType.Simpo;
    private readonly Func<Tensor, Tensor> _loss = options.LossType switch
    {
        CpoLossType.Hinge => difference => CpoLoss.Hinge(difference, options.Beta),
        CpoLossType.Ipo => difference => CpoLoss.Ipo(difference, options.Beta),
        CpoLossType.Simpo => difference => CpoLoss.Simpo(difference, options.Beta, options.SimpoGamma, options.LabelSmoothing),
        _ => difference => CpoLoss.Sigmoid(difference, options.Beta, options.LabelSmoothing),
    };

    /// <inheritdoc/>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(
        PairBatch batch, PairLogProbs theirs, TokenLogProbs tokens, Tensor meanLogits)
    {
        using var scope = NewDisposeScope();
        PairLogProbs ours = _perToken ? batch.Mean(tokens.LogProbs) : batch.Sum(tokens.LogProbs);
        Tensor chosen = CpoLoss.Reward(ours.Chosen, options.Alpha);     // [B]
        Tensor rejected = CpoLoss.Reward(ours.Rejected, options.Alpha); // [B]
        Tensor likelihood = options.CpoAlpha == 0                       // TRL does not report it then
            ? zeros(1, device: chosen.device).sum()
            : tokens.LogProbs.narrow(0, 0, batch.ChosenTargets).sum() / -batch.ChosenDivisor;
        Tensor loss = _loss(chosen - rejected).mean() + (likelihood * options.CpoAlpha);
        var rewards = new PairLogProbs(chosen.detach() * options.Beta, rejected.detach() * options.Beta);
        Dictionary<string, float> metrics =
            PairMetrics.Of(loss, batch, ours, rewards, meanLogits, ("nll_loss", likelihood.detach()));
        return (loss.MoveToOuterDisposeScope(), metrics);
    }
}
