using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>What a token costs for leaving the reference policy: estimates of KL(policy ‖ reference), in nats.</summary>
public static class KlEstimators
{
    // logits of one chunk: 4 million float32 numbers, 16 MB
    private const int ChunkElements = 1 << 22;

    /// <summary><c>log p - log q</c>: unbiased, may be negative (k1 of http://joschu.net/blog/kl-approx.html).</summary>
    /// <param name="logProbs">Any shape: log-probability of the sampled tokens under the policy.</param>
    /// <param name="referenceLogProbs">Same shape, under the reference.</param>
    /// <returns>Same shape. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The two differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor Difference(Tensor logProbs, Tensor referenceLogProbs)
    {
        Check(logProbs, referenceLogProbs);
        return logProbs - referenceLogProbs;
    }

    /// <summary><c>|log p - log q|</c>: a penalty in both directions.</summary>
    /// <param name="logProbs">Any shape: log-probability of the sampled tokens under the policy.</param>
    /// <param name="referenceLogProbs">Same shape, under the reference.</param>
    /// <returns>Same shape, at least 0. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The two differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor Absolute(Tensor logProbs, Tensor referenceLogProbs)
    {
        Check(logProbs, referenceLogProbs);
        using var scope = NewDisposeScope();
        return (logProbs - referenceLogProbs).abs().MoveToOuterDisposeScope();
    }

    /// <summary><c>½ (log p - log q)²</c>: low variance, biased (k2 of http://joschu.net/blog/kl-approx.html).</summary>
    /// <param name="logProbs">Any shape: log-probability of the sampled tokens under the policy.</param>
    /// <param name="referenceLogProbs">Same shape, under the reference.</param>
    /// <returns>Same shape, at least 0. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The two differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor Squared(Tensor logProbs, Tensor referenceLogProbs)
    {
        Check(logProbs, referenceLogProbs);
        using var scope = NewDisposeScope();
        return (logProbs - referenceLogProbs).square().mul(0.5).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// <c>q/p - 1 - log(q/p)</c> of the sampled token: unbiased, of low variance, never negative (k3 of
    /// http://joschu.net/blog/kl-approx.html).
    /// </summary>
    /// <param name="logProbs">Any shape: log-probability of the sampled tokens under the policy.</param>
    /// <param name="referenceLogProbs">Same shape, under the reference.</param>
    /// <returns>Same shape, at least 0. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The two differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor LowVariance(Tensor logProbs, Tensor referenceLogProbs)
    {
        Check(logProbs, referenceLogProbs);
        using var scope = NewDisposeScope();
        Tensor ratio = referenceLogProbs - logProbs;
        return (ratio.expm1() - ratio).MoveToOuterDisposeScope();
    }

    /// <summary><c>Σ p (log p - log q)</c> over the vocabulary: exact, at the price of both distributions.</summary>
    /// <param name="logProbs">[..., V] log-probability of every token under the policy.</param>
    /// <param name="referenceLogProbs">[..., V], under the reference.</param>
    /// <returns>[...], at least 0 up to rounding. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The two differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor Full(Tensor logProbs, Tensor referenceLogProbs)
    {
        Check(logProbs, referenceLogProbs);
        RequireTensor.Shape(logProbs, logProbs.dim() > 0, "[..., V]");
        using var scope = NewDisposeScope();
        return (logProbs.exp() * (logProbs - referenceLogProbs)).sum(-1).MoveToOuterDisposeScope();
    }

    /// <summary><see cref="Full(Tensor, Tensor)"/> from hidden states, a few rows at a time, so that [N, V] never exists.</summary>
    /// <param name="hidden">[N, H] states of the policy before the vocabulary projection.</param>
    /// <param name="head">Vocabulary projection of the policy, or its weight [V, H].</param>
    /// <param name="referenceHidden">[N, H'] states of the reference.</param>
    /// <param name="referenceHead">Vocabulary projection of the reference.</param>
    /// <returns>[N] float32, no gradient. The caller owns it.</returns>
    /// <exception cref="ArgumentException">Rows, widths, vocabularies or types do not fit together.</exception>
    public static Tensor Full(
        Tensor hidden, VocabularyProjection head, Tensor referenceHidden, VocabularyProjection referenceHead)
    {
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(referenceHead);
        head.Check(hidden);
        referenceHead.Check(referenceHidden);
        (long count, long vocabulary, long width) = (hidden.size(0), head.Weight.size(0), referenceHidden.size(1));
        RequireTensor.Shape(referenceHidden, referenceHidden.size(0) == count, $"[{count}, {width}], as there are states of the policy");
        RequireTensor.Shape(
            referenceHead.Weight, referenceHead.Weight.size(0) == vocabulary, $"[{vocabulary}, {width}], of as many tokens as head",
            nameof(referenceHead));
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        long rows = Math.Max(1, ChunkElements / head.Weight.shape[0]);
        Tensor[] policy = hidden.split(rows);
        Tensor[] reference = referenceHidden.split(rows);
        return cat([.. policy.Zip(reference, Chunk)], 0).MoveToOuterDisposeScope();

        Tensor Chunk(Tensor ours, Tensor theirs)
        {
            using var inner = NewDisposeScope();
            return Full(LogSoftmax(ours, head), LogSoftmax(theirs, referenceHead)).MoveToOuterDisposeScope();
        }
    }

    private static void Check(Tensor logProbs, Tensor referenceLogProbs)
    {
        RequireTensor.Floating(logProbs);
        RequireTensor.Floating(referenceLogProbs);
        RequireTensor.OneShape((logProbs, nameof(logProbs)), (referenceLogProbs, nameof(referenceLogProbs)));
    }

    private static Tensor LogSoftmax(Tensor hidden, VocabularyProjection head) // [n, H] -> [n, V]
    {
        using var scope = NewDisposeScope();
        return head.Finish(head.Scaled(hidden).mm(head.Weight.t()).to_type(ScalarType.Float32)).log_softmax(-1).MoveToOuterDisposeScope();
    }
}
