using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rloo;

/// <summary>The loss of REINFORCE leave-one-out.</summary>
public static class RlooLoss
{
    /// <summary><c>-min(r A, clip(r, 1 - ε_low, 1 + ε_high) A)</c> of each completion; r is its ratio as a whole.</summary>
    /// <param name="logRatios">[b] new less old log-probability of each completion, with gradient.</param>
    /// <param name="advantages">[b]</param>
    /// <param name="epsilon">ε_low, in (0, 1).</param>
    /// <param name="epsilonHigh">ε_high, greater than 0.</param>
    /// <returns>[b], with gradient. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor Clipped(Tensor logRatios, Tensor advantages, double epsilon, double epsilonHigh)
    {
        RequireTensor.Floating(logRatios);
        RequireTensor.Floating(advantages);
        RequireTensor.OneShape((logRatios, nameof(logRatios)), (advantages, nameof(advantages)));
        using DisposeScope scope = NewDisposeScope();
        Tensor ratio = logRatios.exp();
        return min(ratio * advantages, ratio.clamp(1 - epsilon, 1 + epsilonHigh) * advantages).neg().MoveToOuterDisposeScope();
    }
}
