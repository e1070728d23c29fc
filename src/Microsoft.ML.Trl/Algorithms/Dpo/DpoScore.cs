using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>
/// From the log-ratio of policy to reference to the score that the losses compare: the derivative of the chosen
/// f-divergence without its constants. arXiv:2309.16240, table 1.
/// </summary>
public static class DpoScore
{
    // exp of this still fits a float32
    private const double LargestExponent = 80;

    /// <summary>Reverse KL: the log-ratio itself.</summary>
    /// <param name="logRatio">Any shape: log policy minus log reference, in nats.</param>
    /// <returns>Same shape. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers.</exception>
    public static Tensor ReverseKl(Tensor logRatio)
    {
        RequireTensor.Floating(logRatio);
        return logRatio.alias();
    }

    /// <summary>Forward KL: <c>-exp(-r)</c>.</summary>
    /// <param name="logRatio">Any shape: log policy minus log reference, in nats.</param>
    /// <returns>Same shape, below 0. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers.</exception>
    public static Tensor ForwardKl(Tensor logRatio)
    {
        RequireTensor.Floating(logRatio);
        return WrappedTensorDisposeScope(() => logRatio.neg().exp().neg());
    }

    /// <summary>Jensen-Shannon: <c>log sigmoid(r)</c>.</summary>
    /// <param name="logRatio">Any shape: log policy minus log reference, in nats.</param>
    /// <returns>Same shape, below 0. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers.</exception>
    public static Tensor JsDivergence(Tensor logRatio)
    {
        RequireTensor.Floating(logRatio);
        return logsigmoid(logRatio);
    }

    /// <summary>Alpha-divergence: <c>exp((a-1) r) / (a-1)</c>; at a = 1 its limit, reverse KL.</summary>
    /// <param name="logRatio">Any shape: log policy minus log reference, in nats.</param>
    /// <param name="coefficient">a. 0.5 is TRL's default, 1 the reverse KL.</param>
    /// <returns>Same shape. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or the coefficient is not finite.</exception>
    public static Tensor AlphaDivergence(Tensor logRatio, double coefficient)
    {
        RequireTensor.Floating(logRatio);
        Require.Finite(coefficient);
        double power = coefficient - 1;
        if (Math.Abs(power) < 1e-6)
            return ReverseKl(logRatio);
        using var scope = NewDisposeScope();
        return (logRatio * power).clamp(max: LargestExponent).exp().div(power).MoveToOuterDisposeScope();
    }
}
