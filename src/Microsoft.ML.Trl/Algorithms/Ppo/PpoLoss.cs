using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>One of PPO's two losses. The caller of <see cref="PpoLoss"/> owns the tensors.</summary>
/// <param name="Loss">Scalar with its gradient.</param>
/// <param name="Detail">Same shape as the input, no gradient: ratios of the policy loss, clipped predictions of the value loss.</param>
/// <param name="ClipFraction">Scalar: share of the tokens where the clipped term is the larger one.</param>
public sealed record PpoLossTerms(Tensor Loss, Tensor Detail, Tensor ClipFraction);

/// <summary>The two clipped losses of PPO (arXiv:1707.06347), each a mean over the tokens of a mask.</summary>
public static class PpoLoss
{
    /// <summary>Clipped surrogate, Eq. 7 with the sign of a loss: mean of <c>max(-A ρ, -A clip(ρ, 1-ε, 1+ε))</c>.</summary>
    /// <param name="logProbs">Any shape: log-probability of the sampled tokens under the policy being trained.</param>
    /// <param name="oldLogProbs">Same shape, under the policy that sampled them.</param>
    /// <param name="advantages">Same shape.</param>
    /// <param name="mask">Same shape, 1 on tokens that count.</param>
    /// <param name="clipRange">ε, above 0.</param>
    /// <returns>The loss (scalar), its ratios ρ (no gradient) and the share of clipped tokens (scalar). The caller owns them.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape, or the range is not above 0.</exception>
    public static PpoLossTerms Policy(Tensor logProbs, Tensor oldLogProbs, Tensor advantages, Tensor mask, double clipRange)
    {
        Check(
            clipRange, (logProbs, nameof(logProbs)), (oldLogProbs, nameof(oldLogProbs)), (advantages, nameof(advantages)),
            (mask, nameof(mask)));
        using var scope = NewDisposeScope();
        ClippedCost tokens = ClippedCosts.Policy(logProbs, oldLogProbs, advantages, clipRange);
        return Terms(Masked.Mean(tokens.Cost, mask), tokens, mask);
    }

    /// <summary>Clipped value loss: half the mean of <c>max((v-R)², (clip(v, v_old ± ε)-R)²)</c>.</summary>
    /// <param name="values">Any shape: what the critic being trained says before each token.</param>
    /// <param name="oldValues">Same shape: what it said when the tokens were sampled.</param>
    /// <param name="returns">Same shape: advantage (not whitened) plus old value.</param>
    /// <param name="mask">Same shape, 1 on tokens that count.</param>
    /// <param name="clipRange">ε, above 0; in units of the reward.</param>
    /// <returns>Loss (scalar), clipped predictions (no gradient) and share of clipped tokens (scalar). The caller owns them.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape, or the range is not above 0.</exception>
    public static PpoLossTerms Value(Tensor values, Tensor oldValues, Tensor returns, Tensor mask, double clipRange)
    {
        Check(clipRange, (values, nameof(values)), (oldValues, nameof(oldValues)), (returns, nameof(returns)), (mask, nameof(mask)));
        using var scope = NewDisposeScope();
        ClippedCost tokens = ClippedCosts.Value(values, oldValues, returns, clipRange);
        return Terms(Masked.Mean(tokens.Cost, mask) * 0.5, tokens, mask);
    }

    private static PpoLossTerms Terms(Tensor loss, ClippedCost tokens, Tensor mask) => new(
        loss.MoveToOuterDisposeScope(), tokens.Detail.MoveToOuterDisposeScope(),
        Masked.Mean(tokens.IsClipped, mask).MoveToOuterDisposeScope());

    private static void Check(double clipRange, params ReadOnlySpan<(Tensor Tensor, string Name)> tensors)
    {
        foreach ((Tensor tensor, string name) in tensors)
            RequireTensor.Alive(tensor, name);
        RequireTensor.OneShape(tensors);
        Require.Positive(clipRange);
    }
}
