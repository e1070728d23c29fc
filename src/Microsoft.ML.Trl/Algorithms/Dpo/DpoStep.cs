using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>From a batch of pairs to the loss and its metrics.</summary>
internal sealed class DpoStep(CausalLanguageModel policy, IPairReference reference, DpoOptions options)
{
    private readonly DpoObjective _objective = new(options);

    /// <summary>One forward pass of the policy, one of the reference.</summary>
    /// <returns>The loss with its gradient, which the caller owns, and the numbers of <see cref="DpoMetrics.Names"/>.</returns>
    public (Tensor Loss, float[] Metrics) Forward(PairBatch batch)
    {
        using var scope = NewDisposeScope();
        PairLogProbs theirs = reference.Score(batch);
        (TokenLogProbs tokens, Tensor meanLogits) = PairScorer.Tokens(policy, batch);
        (Tensor loss, float[] metrics) = Compare(batch, theirs, tokens, meanLogits);
        return (loss.MoveToOuterDisposeScope(), metrics);
    }

    /// <summary>The part without models: log-probabilities in, loss out.</summary>
    /// <param name="batch">Which token belongs to which answer.</param>
    /// <param name="theirs">Under the reference.</param>
    /// <param name="tokens">[N + M] under the policy, chosen answers first.</param>
    /// <param name="meanLogits">[N + M] mean of the logits over the vocabulary.</param>
    /// <returns>The loss with its gradient, which the caller owns, and the numbers of <see cref="DpoMetrics.Names"/>.</returns>
    public (Tensor Loss, float[] Metrics) Compare(PairBatch batch, PairLogProbs theirs, TokenLogProbs tokens, Tensor meanLogits)
    {
        using var scope = NewDisposeScope();
        DpoTerms terms = _objective.Terms(
            batch.Sum(tokens.LogProbs),
            theirs,
            batch.Lengths(),
            tokens.LogProbs.narrow(0, 0, batch.ChosenTargets),
            options.UseWeighting ? PairWeights(batch, tokens) : null);
        Tensor loss = _objective.Loss(terms);
        float[] metrics = DpoMetrics.Of(loss, terms, tokens, meanLogits, options.Beta);
        return (loss.MoveToOuterDisposeScope(), metrics);
    }

    /// <summary>
    /// arXiv:2406.11827, Eq. 2 with weight alignment: each token's probability over the mean probability of a token that the
    /// policy itself would draw; geometric mean over an answer, product over the pair.
    /// </summary>
    /// <returns>[B], no gradient. The caller owns it.</returns>
    public static Tensor PairWeights(PairBatch batch, TokenLogProbs tokens)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        PairLogProbs aligned = batch.Mean(tokens.LogProbs - tokens.SquaredMass.log()); // [B] each
        return (aligned.Chosen + aligned.Rejected).exp().MoveToOuterDisposeScope();
    }
}
