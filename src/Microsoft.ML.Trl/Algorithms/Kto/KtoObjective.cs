using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Kto;

/// <summary>The loss of KTO, weighted by what is wanted: arXiv:2402.01306, Eq. 7 and 8.</summary>
/// <param name="options">Validated.</param>
internal sealed class KtoObjective(KtoOptions options) : IUnpairedObjective
{
    /// <inheritdoc/>
    public bool ComparesMismatched => options.LossType == KtoLossType.Kto;

    /// <inheritdoc/>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(
        UnpairedBatch batch, UnpairedTerms terms, TokenLogProbs tokens, Tensor meanLogits)
    {
        using var scope = NewDisposeScope();
        Tensor ratio = terms.Ratio;                                                                // [B]
        Tensor z = terms.MismatchedRatio?.mean().clamp(min: 0) ?? zeros(1, device: ratio.device).sum(); // a KL is not below 0
        Tensor wanted = KtoLoss.Desirable(ratio, z, options.Beta) * options.DesirableWeight;       // [B]
        Tensor unwanted = KtoLoss.Undesirable(ratio, z, options.Beta) * options.UndesirableWeight; // [B]
        Tensor loss = where(batch.Wanted(ratio.device), wanted, unwanted).mean();
        Dictionary<string, float> metrics = UnpairedMetrics.Of(
            loss, batch, terms.Policy, ratio * options.Beta, meanLogits, ("kl", z), ("entropy", tokens.Entropy.mean()));
        return (loss.MoveToOuterDisposeScope(), metrics);
    }
}
