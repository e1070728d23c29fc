using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What policy, reference and critic say about the response tokens of a batch before it is learnt from; no gradients.</summary>
/// <param name="LogProbs">[N] under the policy that sampled.</param>
/// <param name="ReferenceLogProbs">[N]</param>
/// <param name="Kl">[N] penalty per token in nats, by the estimator of the options.</param>
/// <param name="Values">[N] critic before each token.</param>
internal sealed record PpoEvaluation(Tensor LogProbs, Tensor ReferenceLogProbs, Tensor Kl, Tensor Values);

/// <summary>Evaluates batches.</summary>
/// <param name="policy">Only read.</param>
/// <param name="critic">Only read.</param>
/// <param name="reference">Only read.</param>
/// <param name="options">Which KL, and how many rows at once.</param>
/// <param name="hiddenStates">Gives the states [n, H] of a model that predict the response tokens of some rows.</param>
internal sealed class PpoEvaluator(
    CausalLanguageModel policy,
    ValueHead critic,
    CausalLanguageModel reference,
    PpoOptions options,
    Func<CausalLanguageModel, RolloutPart, Tensor> hiddenStates)
{
    private readonly Func<Tensor, Tensor, Tensor> _estimator = options.KlPenalty switch
    {
        KlPenalty.Kl => KlEstimators.Difference,
        KlPenalty.Abs => KlEstimators.Absolute,
        KlPenalty.Mse => KlEstimators.Squared,
        _ => static (_, _) => throw new UnreachableException(), // the full KL is made from hidden states
    };

    /// <summary>Evaluates all rows, as many at once as in training. The results belong to the caller's scope.</summary>
    /// <param name="batch">Checked rows.</param>
    /// <param name="sampled">What the sampler computed under the very same weights; null = to be computed here.</param>
    public PpoEvaluation Evaluate(RolloutBatch batch, SampledTokens? sampled)
    {
        using var frozen = no_grad();
        IEnumerable<int[]> chunks = Enumerable.Range(0, batch.RowCount).Chunk(options.MiniBatchSize);
        PpoEvaluation[] parts = [.. chunks.Select(rows => Evaluate(batch, rows, sampled))];
        Tensor Join(Func<PpoEvaluation, Tensor> part) => cat([.. parts.Select(part)], 0);
        return new PpoEvaluation(
            Join(part => part.LogProbs), Join(part => part.ReferenceLogProbs), Join(part => part.Kl), Join(part => part.Values));
    }

    private PpoEvaluation Evaluate(RolloutBatch batch, int[] rows, SampledTokens? sampled)
    {
        using var scope = NewDisposeScope();
        RolloutPart part = batch.Part(rows, policy.Device);
        int start = batch.TokensOf(rows[0]).Start.Value, count = batch.TokensOf(rows[^1]).End.Value - start;
        Tensor ours = sampled is null ? hiddenStates(policy, part) : sampled.States.narrow(0, start, count); // [n, H]
        Tensor theirs = hiddenStates(reference, part);                                        // [n, H]
        Tensor logProbs = sampled is null
            ? LogProbs.OfHidden(ours, policy.Head, part.Labels)
            : sampled.LogProbs.narrow(0, start, count);                          // [n]
        Tensor referenceLogProbs = LogProbs.OfHidden(theirs, reference.Head, part.Labels); // [n]
        Tensor kl = options.KlPenalty == KlPenalty.Full
            ? KlEstimators.Full(ours, policy.Head, theirs, reference.Head)
            : _estimator(logProbs, referenceLogProbs);                                        // [n]
        return new PpoEvaluation(
            logProbs.MoveToOuterDisposeScope(),
            referenceLogProbs.MoveToOuterDisposeScope(),
            kl.MoveToOuterDisposeScope(),
            critic.Values(ours).MoveToOuterDisposeScope());
    }
}
