using System.Runtime.CompilerServices;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.ReferenceFree;

/// <summary>
/// The losses of contrastive preference optimisation, one pure function each: [B] differences in, [B] losses out, which the caller owns.
/// The formulas are those of TRL v1.9.0.
/// </summary>
/// <remarks>A <i>difference</i> is the reward of the chosen answer minus that of the rejected one, both of <see cref="Reward"/>.</remarks>
public static class CpoLoss
{
    /// <summary>
    /// What an answer is worth: its log-probability, or <c>(1 - p^-α) / α</c> of AlphaPO, whose limit at α = 0 that is. arXiv:2501.03884,
    /// Eq. 6.
    /// </summary>
    /// <param name="logProb">[B] in nats, per answer or per token as the loss asks for.</param>
    /// <param name="alpha">α, finite.</param>
    /// <returns>[B], differentiable.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or the number is not finite.</exception>
    public static Tensor Reward(Tensor logProb, double alpha = 0)
    {
        RequireTensor.Floating(logProb);
        Require.Finite(alpha);
        return alpha == 0 ? logProb.alias() : WrappedTensorDisposeScope(() => (1 - (logProb * -alpha).exp()) / alpha);
    }

    /// <summary><c>-(1-ε) log σ(β d) - ε log σ(-β d)</c>. arXiv:2401.08417, Eq. 3.</summary>
    /// <param name="difference">[B]</param>
    /// <param name="beta">β, above 0.</param>
    /// <param name="labelSmoothing">ε: share of labels thought to be wrong, 0 to 0.5.</param>
    /// <returns>[B]; ln 2 where the difference is 0.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor Sigmoid(Tensor difference, double beta, double labelSmoothing = 0)
    {
        Check(difference, beta);
        Require.Between(labelSmoothing, 0, 0.5);
        using var scope = NewDisposeScope();
        Tensor logit = difference * beta; // [B]
        Tensor wrong = logsigmoid(-logit) * -labelSmoothing;
        return ((logsigmoid(logit) * (labelSmoothing - 1)) + wrong).MoveToOuterDisposeScope();
    }

    /// <summary><c>max(0, 1 - β d)</c>. arXiv:2305.10425.</summary>
    /// <param name="difference">[B]</param>
    /// <param name="beta">β: reciprocal of the difference asked for.</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor Hinge(Tensor difference, double beta)
    {
        Check(difference, beta);
        return WrappedTensorDisposeScope(() => (1 - (difference * beta)).relu());
    }

    /// <summary><c>(d - 1/(2β))²</c>. arXiv:2310.12036, Eq. 17.</summary>
    /// <param name="difference">[B] of means per token.</param>
    /// <param name="beta">τ of the paper.</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor Ipo(Tensor difference, double beta)
    {
        Check(difference, beta);
        return WrappedTensorDisposeScope(() => (difference - (1 / (2 * beta))).square());
    }

    /// <summary><see cref="Sigmoid"/> of the difference beyond a margin: <c>β d - γ</c>. arXiv:2405.14734, Eq. 6.</summary>
    /// <param name="difference">[B] of means per token.</param>
    /// <param name="beta">β</param>
    /// <param name="gamma">γ: by how much β times the difference should be ahead, finite.</param>
    /// <param name="labelSmoothing">ε, 0 to 0.5.</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor Simpo(Tensor difference, double beta, double gamma, double labelSmoothing = 0)
    {
        Check(difference, beta);
        Require.Finite(gamma);
        return WrappedTensorDisposeScope(() => Sigmoid(difference - (gamma / beta), beta, labelSmoothing));
    }

    private static void Check(Tensor difference, double beta, [CallerArgumentExpression(nameof(difference))] string name = "")
    {
        RequireTensor.Floating(difference, name);
        Require.Positive(beta);
    }
}
