using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>One forward pass over answers; the prompt's rows never reach the vocabulary.</summary>
internal static class AnswerPass
{
    /// <summary>Log-probabilities of the answers, each summed over its tokens, without gradient.</summary>
    /// <returns>[R]. The caller owns it.</returns>
    public static Tensor Score(CausalLanguageModel model, AnswerBatch batch)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor states = model.HiddenAt(batch.Tokens); // [N, H]
        return batch.Sum(LogProbs.OfHidden(states, model.Head, batch.Tokens.Labels)).MoveToOuterDisposeScope();
    }

    /// <summary>The answers' tokens under the policy, with gradient, and what the metrics need besides.</summary>
    /// <param name="policy">In training.</param>
    /// <param name="batch">The answers.</param>
    /// <param name="load">Told where the routers of experts send the tokens; null = nobody.</param>
    /// <returns>Tensors [N]. The caller owns them.</returns>
    public static (TokenLogProbs Tokens, Tensor MeanLogits) Tokens(CausalLanguageModel policy, TokenBatch batch, RouterLoad? load = null)
    {
        VocabularyProjection head = policy.Head; // widened where it is quantized: in the caller's scope, since the backward pass reads it
        using var scope = NewDisposeScope();
        Tensor states = policy.HiddenAt(batch, load); // [N, H]
        TokenLogProbs tokens = LogProbs.WithStatistics(states, head, batch.Labels);
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
