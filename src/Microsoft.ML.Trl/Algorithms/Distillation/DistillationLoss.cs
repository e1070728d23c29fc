using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>Losses of distillation. The divisor is the number of labels of the whole effective batch.</summary>
public static class DistillationLoss
{
    /// <summary>Mean divergence of a position: TRL's <c>generalized_jsd_loss</c> with <c>num_items_in_batch</c>.</summary>
    /// <param name="divergences">[N] of <see cref="GeneralizedJsd.OfHidden"/>.</param>
    /// <param name="divisor">Greater than 0.</param>
    /// <returns>A scalar. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The divergences are no floating-point numbers, or the divisor is out of range.</exception>
    public static Tensor Mean(Tensor divergences, double divisor)
    {
        RequireTensor.Floating(divergences);
        Require.Positive(divisor);
        return WrappedTensorDisposeScope(() => divergences.sum() / divisor);
    }

    /// <summary>α · cross-entropy + (1 - α) · τ² · divergence: arXiv:1503.02531, section 2.</summary>
    /// <param name="logProbs">[N] log-probabilities of the labels under the student, at temperature 1.</param>
    /// <param name="divergences">[N] at the temperature τ.</param>
    /// <param name="alpha">α, in [0, 1].</param>
    /// <param name="temperature">τ, greater than 0.</param>
    /// <param name="divisor">Greater than 0.</param>
    /// <returns>A scalar. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// The two differ in shape, are no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor Hinton(Tensor logProbs, Tensor divergences, double alpha, double temperature, double divisor)
    {
        RequireTensor.Floating(logProbs);
        RequireTensor.Floating(divergences);
        RequireTensor.OneShape((logProbs, nameof(logProbs)), (divergences, nameof(divergences)));
        Require.Between(alpha, 0, 1);
        Require.Positive(temperature);
        Require.Positive(divisor);
        return WrappedTensorDisposeScope(() =>
            (logProbs.sum() * (-alpha / divisor)) + (divergences.sum() * ((1 - alpha) * temperature * temperature / divisor)));
    }
}
