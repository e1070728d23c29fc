using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Bco;

/// <summary>A classifier whose logit is the reward beyond the mean of all rewards so far: arXiv:2404.04656, Eq. 8.</summary>
/// <param name="options">Validated.</param>
/// <param name="weights">Weight of each completion of the run; null = 1 each.</param>
internal sealed class BcoObjective(BcoOptions options, float[]? weights) : IUnpairedObjective
{
    private double _sum;
    private long _count;

    /// <inheritdoc/>
    public bool ComparesMismatched => false;

    /// <inheritdoc/>
    public (Tensor Loss, Dictionary<string, float> Metrics) Compare(
        UnpairedBatch batch, UnpairedTerms terms, TokenLogProbs tokens, Tensor meanLogits)
    {
        using var scope = NewDisposeScope();
        Tensor reward = terms.Ratio * options.Beta; // [B]
        if (is_grad_enabled()) // what is only measured does not count, as in TRL
        {
            _sum += reward.detach().to_type(ScalarType.Float64).sum().item<double>();
            _count += batch.Answers.Size;
        }
        double delta = _count == 0 ? 0 : _sum / _count;
        Tensor losses = where( // [B]
            batch.Wanted(reward.device), BcoLoss.Desirable(reward, delta), BcoLoss.Undesirable(reward, delta));
        if (weights is not null)
            losses *= tensor(batch.Answers.Numbers.Select(number => weights[number]).ToArray(), device: reward.device);
        Tensor loss = losses.mean();
        Dictionary<string, float> metrics = UnpairedMetrics.Of(loss, batch, terms.Policy, reward, meanLogits);
        metrics["delta"] = (float)delta;
        return (loss.MoveToOuterDisposeScope(), metrics);
    }
}
