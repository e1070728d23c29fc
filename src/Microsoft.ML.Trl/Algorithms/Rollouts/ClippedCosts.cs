using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What tokens cost. All have the shape of the tokens, and belong to the scope of the caller.</summary>
/// <param name="Cost">With its gradient.</param>
/// <param name="Detail">No gradient: ratios of the policy's cost, clipped predictions of the value's.</param>
/// <param name="IsClipped">float32: 1 where the clipped term is the larger one.</param>
internal sealed record ClippedCost(Tensor Cost, Tensor Detail, Tensor IsClipped);

/// <summary>The two clipped costs of PPO (arXiv:1707.06347), token by token.</summary>
internal static class ClippedCosts
{
    /// <summary>Eq. 7 with the sign of a loss: <c>max(-A ρ, -A clip(ρ, 1-ε, 1+ε))</c>.</summary>
    /// <param name="logProbs">Any shape: log-probability of the sampled tokens under the policy being trained.</param>
    /// <param name="oldLogProbs">Same shape, under the policy that sampled them.</param>
    /// <param name="advantages">Same shape.</param>
    /// <param name="clipRange">ε, above 0.</param>
    public static ClippedCost Policy(Tensor logProbs, Tensor oldLogProbs, Tensor advantages, double clipRange)
    {
        using var scope = NewDisposeScope();
        Tensor ratio = (logProbs - oldLogProbs).exp();
        return Of(-advantages * ratio, -advantages * ratio.clamp(1 - clipRange, 1 + clipRange), ratio);
    }

    /// <summary>The greater of two squared errors: <c>max((v-R)², (clip(v, v_old ± ε)-R)²)</c>; half its mean is the loss.</summary>
    /// <param name="values">Any shape: what the critic being trained says before each token.</param>
    /// <param name="oldValues">Same shape: what it said when the tokens were sampled.</param>
    /// <param name="returns">Same shape.</param>
    /// <param name="clipRange">ε, above 0; in units of the reward.</param>
    public static ClippedCost Value(Tensor values, Tensor oldValues, Tensor returns, double clipRange)
    {
        using var scope = NewDisposeScope();
        Tensor near = values.minimum(oldValues + clipRange).maximum(oldValues - clipRange);
        return Of((values - returns).square(), (near - returns).square(), near);
    }

    private static ClippedCost Of(Tensor free, Tensor clipped, Tensor detail) => new(
        free.maximum(clipped).MoveToOuterDisposeScope(),
        detail.detach().MoveToOuterDisposeScope(),
        clipped.gt(free).to_type(ScalarType.Float32).MoveToOuterDisposeScope());
}
