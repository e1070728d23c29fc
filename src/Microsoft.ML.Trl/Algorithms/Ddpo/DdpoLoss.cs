using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ddpo;

/// <summary>What a batch of steps gives.</summary>
/// <param name="Loss">Scalar with gradient.</param>
/// <param name="ApproxKl">Scalar: half the mean square of the difference of the log-probabilities.</param>
/// <param name="ClipFraction">Scalar: share of the ratios beyond the clip range.</param>
public sealed record DdpoLossTerms(Tensor Loss, Tensor ApproxKl, Tensor ClipFraction);

/// <summary>The loss of DDPO with importance sampling: arXiv:2305.13301, Eq. 7, clipped as in Section 4.3.</summary>
public static class DdpoLoss
{
    /// <summary>max(-A·r, -A·clip(r, 1 ± ε)), the mean over the batch, with r the ratio of the probabilities of a step.</summary>
    /// <param name="logProbs">[B] of steps under the model that learns.</param>
    /// <param name="oldLogProbs">[B] the same under the model that drew them.</param>
    /// <param name="advantages">[B] how much better than others the image is, A.</param>
    /// <param name="clipRange">ε, greater than 0.</param>
    /// <param name="advClipMax">Advantages are clamped to ± this; greater than 0.</param>
    /// <returns>The caller owns the tensors.</returns>
    /// <exception cref="ArgumentException">Shapes differ, a tensor was disposed, or a number is not greater than 0.</exception>
    public static DdpoLossTerms Compute(
        Tensor logProbs, Tensor oldLogProbs, Tensor advantages, double clipRange = 1e-4, double advClipMax = 5)
    {
        RequireTensor.Floating(logProbs);
        RequireTensor.Floating(oldLogProbs);
        RequireTensor.Floating(advantages);
        RequireTensor.OneShape(
            (logProbs, nameof(logProbs)), (oldLogProbs, nameof(oldLogProbs)), (advantages, nameof(advantages)));
        Require.Positive(clipRange);
        Require.Positive(advClipMax);
        using DisposeScope scope = NewDisposeScope();
        Tensor difference = logProbs.Minus(oldLogProbs.detach());                               // [B]
        Tensor ratio = difference.exp();                                                        // [B]
        Tensor advantage = advantages.detach().Within(-advClipMax, advClipMax);                 // [B]
        Tensor loss = maximum(-advantage * ratio, -advantage * ratio.Within(1 - clipRange, 1 + clipRange));
        return new DdpoLossTerms(
            loss.mean().MoveToOuterDisposeScope(),
            (difference.detach() * difference.detach()).mean().Times(0.5).MoveToOuterDisposeScope(),
            (ratio.detach().Plus(-1).abs() > clipRange).to_type(ScalarType.Float32).mean().MoveToOuterDisposeScope());
    }
}
