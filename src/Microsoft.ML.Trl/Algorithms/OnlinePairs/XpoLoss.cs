using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>The loss of exploratory preference optimisation.</summary>
public static class XpoLoss
{
    /// <summary>
    /// <c>ℓ + α log π(y')</c>: the preference loss, and a bonus for leaving what the reference would write. arXiv:2405.21046, algorithm 1.
    /// </summary>
    /// <param name="preference">[B] ℓ: the loss of DPO for each pair.</param>
    /// <param name="referenceAnswers">[B] log-probability under the policy, in nats, of the answer that the reference drew.</param>
    /// <param name="alpha">α, at least 0.</param>
    /// <returns>[B], differentiable. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor Compute(Tensor preference, Tensor referenceAnswers, double alpha)
    {
        RequireTensor.Floating(preference);
        RequireTensor.Floating(referenceAnswers);
        RequireTensor.OneShape((preference, nameof(preference)), (referenceAnswers, nameof(referenceAnswers)));
        Require.NotNegative(alpha);
        return WrappedTensorDisposeScope(() => preference + (referenceAnswers * alpha));
    }
}
