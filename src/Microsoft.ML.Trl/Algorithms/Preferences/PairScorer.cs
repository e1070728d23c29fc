using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>One forward pass over chosen and rejected answers together; the prompt's rows never reach the vocabulary.</summary>
internal static class PairScorer
{
    /// <summary>Log-probabilities of the answers, without gradient.</summary>
    /// <returns>[B] and [B]. The caller owns them.</returns>
    public static PairLogProbs Score(CausalLanguageModel model, PairBatch batch)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor states = model.HiddenAt(batch.Tokens); // [N + M, H]
        PairLogProbs sums = batch.Sum(LogProbs.OfHidden(states, model.Head, batch.Tokens.Labels));
        sums.Chosen.MoveToOuterDisposeScope();
        sums.Rejected.MoveToOuterDisposeScope();
        return sums;
    }

    /// <summary>The answers' tokens under the policy, with gradient, and what the metrics need besides.</summary>
    /// <param name="policy">In training.</param>
    /// <param name="batch">The pairs.</param>
    /// <param name="load">Told where the routers of experts send the tokens; null = nobody.</param>
    /// <returns>Tensors [N + M]. The caller owns them.</returns>
    public static (TokenLogProbs Tokens, Tensor MeanLogits) Tokens(CausalLanguageModel policy, PairBatch batch, RouterLoad? load = null)
    {
        VocabularyProjection head = policy.Head; // widened where it is quantized: in the caller's scope, since the backward pass reads it
        using var scope = NewDisposeScope();
        Tensor states = policy.HiddenAt(batch.Tokens, load); // [N + M, H]
        TokenLogProbs tokens = LogProbs.WithStatistics(states, head, batch.Tokens.Labels);
        Tensor meanLogits = MeanLogits(states, head);
        tokens.LogProbs.MoveToOuterDisposeScope();
        tokens.Entropy.MoveToOuterDisposeScope();
        tokens.Hit.MoveToOuterDisposeScope();
        tokens.SquaredMass.MoveToOuterDisposeScope();
        return (tokens, meanLogits.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Mean over the vocabulary of each position's logits, for the price of one row: the mean commutes with a projection that is linear.
    /// </summary>
    /// <param name="states">[N, H]</param>
    /// <param name="head">Vocabulary projection.</param>
    /// <returns>[N] float32, no gradient. The caller owns it.</returns>
    public static Tensor MeanLogits(Tensor states, VocabularyProjection head)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        states = head.Scaled(states);
        if (head.SoftCap is not null)
            return MeanCapped(states, head).MoveToOuterDisposeScope();
        Tensor meanRow = head.Weight.to_type(ScalarType.Float32).mean([0]); // [H]
        Tensor means = states.to_type(ScalarType.Float32).matmul(meanRow);
        return (head.Bias is { } bias ? means + bias.to_type(ScalarType.Float32).mean() : means).MoveToOuterDisposeScope();
    }

    private static Tensor MeanCapped(Tensor states, VocabularyProjection head) // -> [N]
    {
        using var product = new VocabularyHead(head.Detached(), states.shape[0]);
        List<Tensor> means = [];
        foreach ((long start, long count) in product.Chunks(states.shape[0]))
            means.Add(product.Logits(states.detach().narrow(0, start, count)).mean([-1]));
        return cat(means);
    }
}

/// <summary>Log-probabilities of the answers of some pairs, each summed over its tokens. Who made it owns the tensors.</summary>
/// <param name="Chosen">[B] in nats.</param>
/// <param name="Rejected">[B] in nats.</param>
internal sealed record PairLogProbs(Tensor Chosen, Tensor Rejected);
