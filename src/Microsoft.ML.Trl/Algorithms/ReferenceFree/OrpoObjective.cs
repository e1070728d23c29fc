using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.ReferenceFree;

/// <summary>Negative log-likelihood of prompts and chosen answers, and the odds ratio: arXiv:2403.07691, Eq. 6.</summary>
/// <param name="options">Validated.</param>
internal sealed class OrpoObjective(OrpoOptions options) : IPairObjective
{
    /// <inheritdoc/>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(
        PairBatch batch, PairLogProbs theirs, TokenLogProbs tokens, Tensor meanLogits)
    {
        using var scope = NewDisposeScope();
        PairLogProbs ours = batch.Mean(tokens.LogProbs);
        Tensor likelihood = tokens.LogProbs.narrow(0, 0, batch.ChosenTargets).sum() / -batch.ChosenDivisor; // as TRL has it, prompts too
        Tensor logOdds = OrpoLoss.LogOdds(ours.Chosen, ours.Rejected);                      // [B]
        Tensor ratio = OrpoLoss.OddsRatio(logOdds, options.Beta).mean();
        Tensor loss = likelihood + ratio;
        var rewards = new PairLogProbs(ours.Chosen.detach() * options.Beta, ours.Rejected.detach() * options.Beta);
        Dictionary<string, float> metrics = PairMetrics.Of(
            loss, batch, ours, rewards, meanLogits,
            ("nll_loss", likelihood.detach()),
            ("log_odds_ratio", ratio.detach() / -options.Beta),
            ("log_odds_chosen", logOdds.detach().mean()));
        return (loss.MoveToOuterDisposeScope(), metrics);
    }
}
