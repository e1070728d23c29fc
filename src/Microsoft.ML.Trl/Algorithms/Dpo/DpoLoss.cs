using System.Runtime.CompilerServices;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>
/// The losses of direct preference optimisation, one pure function each. All tensors are [B], one entry per pair, and
/// every function gives the loss per pair; the caller owns it and takes the mean.
/// </summary>
/// <remarks>
/// A <i>ratio</i> is the log-probability of an answer under the policy minus that under the reference, summed over its
/// tokens; a <i>score</i> is what <see cref="DpoScore"/> makes of it (the ratio itself for reverse KL); <i>margin</i> is
/// the chosen answer's score minus the rejected one's. β is the pull towards the reference. The formulas are those of TRL v1.9.0.
/// </remarks>
public static class DpoLoss
{
    /// <summary><c>-(1-ε) log σ(β m) - ε log σ(-β m)</c>. arXiv:2305.18290, Eq. 7; ε of cDPO.</summary>
    /// <param name="margin">[B]</param>
    /// <param name="beta">β, above 0.</param>
    /// <param name="labelSmoothing">ε: share of labels thought to be wrong, 0 to 0.5.</param>
    /// <returns>[B]; ln 2 where the margin is 0.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor Sigmoid(Tensor margin, double beta, double labelSmoothing = 0)
    {
        Check(margin, beta);
        Require.Between(labelSmoothing, 0, 0.5);
        return MarginLoss.Sigmoid(margin, beta, labelSmoothing);
    }

    /// <summary><c>max(0, 1 - β m)</c>. arXiv:2309.06657, Eq. 10.</summary>
    /// <param name="margin">[B]</param>
    /// <param name="beta">β: reciprocal of the margin asked for.</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor Hinge(Tensor margin, double beta)
    {
        Check(margin, beta);
        return WrappedTensorDisposeScope(() => (1 - (margin * beta)).relu());
    }

    /// <summary><c>(m - 1/(2β))²</c> on scores per token. arXiv:2310.12036, Eq. 17.</summary>
    /// <param name="marginPerToken">[B]: difference of the two scores, each divided by its answer's length.</param>
    /// <param name="beta">τ of the paper.</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor Ipo(Tensor marginPerToken, double beta)
    {
        Check(marginPerToken, beta);
        return MarginLoss.Square(marginPerToken, beta);
    }

    /// <summary>KL from the policy's preference to the smoothed label. arXiv:2402.00856, Eq. 16.</summary>
    /// <param name="margin">[B]</param>
    /// <param name="beta">β</param>
    /// <param name="labelSmoothing">ε, above 0 and below 1; the paper takes 1e-3.</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor ExoPair(Tensor margin, double beta, double labelSmoothing)
    {
        Check(margin, beta);
        Require.Positive(labelSmoothing);
        Require.Below(labelSmoothing, 0, 1);
        using var scope = NewDisposeScope();
        Tensor logit = margin * beta; // [B]
        Tensor right = logit.sigmoid() * (logsigmoid(logit) - double.LogP1(-labelSmoothing)); // [B]
        Tensor wrong = (-logit).sigmoid() * (logsigmoid(-logit) - Math.Log(labelSmoothing));  // [B]
        return (right + wrong).MoveToOuterDisposeScope();
    }

    /// <summary><c>-log σ(β c) - ½ log σ(-β c) - ½ log σ(-β r)</c>. arXiv:2402.05369.</summary>
    /// <param name="chosen">[B] score c.</param>
    /// <param name="rejected">[B] score r.</param>
    /// <param name="beta">β</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor NcaPair(Tensor chosen, Tensor rejected, double beta)
    {
        Check(chosen, rejected, beta);
        using var scope = NewDisposeScope();
        Tensor up = chosen * beta;     // [B]
        Tensor down = rejected * beta; // [B]
        return (-logsigmoid(up) - (logsigmoid(-up) * 0.5) - (logsigmoid(-down) * 0.5)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// <c>(-(1-ε) log σ(β m) + ε log σ(-β m)) / (1-2ε)</c>: unbiased where a share ε of the labels is flipped. arXiv:2403.00409.
    /// </summary>
    /// <param name="margin">[B]</param>
    /// <param name="beta">β</param>
    /// <param name="labelSmoothing">ε, at least 0 and below 0.5.</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor Robust(Tensor margin, double beta, double labelSmoothing)
    {
        Check(margin, beta);
        Require.Below(labelSmoothing, 0, 0.5);
        using var scope = NewDisposeScope();
        Tensor logit = margin * beta;                                   // [B]
        Tensor clean = logsigmoid(logit) * -(1 - labelSmoothing);       // [B]
        Tensor flipped = logsigmoid(-logit) * labelSmoothing;           // [B]
        return ((clean + flipped) / (1 - (2 * labelSmoothing))).MoveToOuterDisposeScope();
    }

    /// <summary><c>-log σ(β c) - log σ(-β r)</c>, without the running shift of arXiv:2404.04656.</summary>
    /// <param name="chosen">[B] score c.</param>
    /// <param name="rejected">[B] score r.</param>
    /// <param name="beta">β</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor BcoPair(Tensor chosen, Tensor rejected, double beta)
    {
        Check(chosen, rejected, beta);
        return WrappedTensorDisposeScope(() => -logsigmoid(chosen * beta) - logsigmoid(rejected * -beta));
    }

    /// <summary><c>(c - 1/(2β))² + (r + 1/(2β))²</c>: arXiv:2405.00675, Eq. 4.7, with the winner's probability set to 1.</summary>
    /// <param name="chosen">[B] score c.</param>
    /// <param name="rejected">[B] score r.</param>
    /// <param name="beta">β</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor SppoHard(Tensor chosen, Tensor rejected, double beta)
    {
        Check(chosen, rejected, beta);
        return WrappedTensorDisposeScope(() => (chosen - (0.5 / beta)).square() + (rejected + (0.5 / beta)).square());
    }

    /// <summary>The sigmoid loss on margins sorted over the batch, policy against reference. arXiv:2406.05882.</summary>
    /// <param name="policyMargin">[B]: chosen minus rejected log-probability under the policy.</param>
    /// <param name="referenceMargin">[B]: the same under the reference.</param>
    /// <param name="beta">β</param>
    /// <param name="labelSmoothing">ε, 0 to 0.5.</param>
    /// <returns>[B], in sorted order.</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor Aot(Tensor policyMargin, Tensor referenceMargin, double beta, double labelSmoothing = 0)
    {
        Check(policyMargin, referenceMargin, beta);
        RequireTensor.Shape(policyMargin, policyMargin.dim() == 1, "[B]");
        return WrappedTensorDisposeScope(() => Sigmoid(policyMargin.sort(0).Item1 - referenceMargin.sort(0).Item1, beta, labelSmoothing));
    }

    /// <summary>The sigmoid loss on chosen and rejected ratios, each sorted over the batch. arXiv:2406.05882.</summary>
    /// <param name="chosenRatio">[B]</param>
    /// <param name="rejectedRatio">[B]; need not belong to the same prompts.</param>
    /// <param name="beta">β</param>
    /// <param name="labelSmoothing">ε, 0 to 0.5.</param>
    /// <returns>[B], in sorted order.</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor AotUnpaired(Tensor chosenRatio, Tensor rejectedRatio, double beta, double labelSmoothing = 0)
    {
        Check(chosenRatio, rejectedRatio, beta);
        RequireTensor.Shape(chosenRatio, chosenRatio.dim() == 1, "[B]");
        return Aot(chosenRatio, rejectedRatio, beta, labelSmoothing);
    }

    /// <summary><c>1 - σ(β c) + σ(β r)</c>: raises chosen, lowers rejected. arXiv:2408.06266, Eq. 7.</summary>
    /// <param name="chosenRatio">[B] ratio c.</param>
    /// <param name="rejectedRatio">[B] ratio r.</param>
    /// <param name="beta">β</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor ApoZero(Tensor chosenRatio, Tensor rejectedRatio, double beta)
    {
        Check(chosenRatio, rejectedRatio, beta);
        return WrappedTensorDisposeScope(() => 1 - (chosenRatio * beta).sigmoid() + (rejectedRatio * beta).sigmoid());
    }

    /// <summary><c>σ(β c) + 1 - σ(β m)</c>: lowers both, rejected more. arXiv:2408.06266, Eq. 8.</summary>
    /// <param name="chosenRatio">[B] ratio c.</param>
    /// <param name="margin">[B]</param>
    /// <param name="beta">β</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor ApoDown(Tensor chosenRatio, Tensor margin, double beta)
    {
        Check(chosenRatio, margin, beta);
        return WrappedTensorDisposeScope(() => (chosenRatio * beta).sigmoid() + 1 - (margin * beta).sigmoid());
    }

    /// <summary>Logistic and exponential loss, blended by <c>σ(β m / τ)</c>. arXiv:2406.08414, Eq. 5.</summary>
    /// <param name="margin">[B]</param>
    /// <param name="beta">β</param>
    /// <param name="temperature">τ, above 0; the paper takes 0.05.</param>
    /// <returns>[B]</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or a number is out of range.</exception>
    public static Tensor DiscoPop(Tensor margin, double beta, double temperature)
    {
        Check(margin, beta);
        Require.Positive(temperature);
        using var scope = NewDisposeScope();
        Tensor logit = margin * beta;                         // [B]
        Tensor share = (logit / temperature).sigmoid();       // [B]
        Tensor logistic = logsigmoid(logit) * (share - 1);    // [B]
        return (logistic + ((-logit).exp() * share)).MoveToOuterDisposeScope();
    }

    /// <summary>Negative log-likelihood of the chosen answers, the mean over all their tokens in the batch.</summary>
    /// <param name="chosenTokenLogProbs">[N] log-probability of every token of every chosen answer.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers.</exception>
    public static Tensor Sft(Tensor chosenTokenLogProbs)
    {
        RequireTensor.Floating(chosenTokenLogProbs);
        return WrappedTensorDisposeScope(() => chosenTokenLogProbs.mean().neg());
    }

    private static void Check(Tensor margin, double beta, [CallerArgumentExpression(nameof(margin))] string name = "")
    {
        RequireTensor.Floating(margin, name);
        Require.Positive(beta);
    }

    private static void Check(
        Tensor first,
        Tensor second,
        double beta,
        [CallerArgumentExpression(nameof(first))] string firstName = "",
        [CallerArgumentExpression(nameof(second))] string secondName = "")
    {
        RequireTensor.Floating(first, firstName);
        RequireTensor.Floating(second, secondName);
        RequireTensor.OneShape((first, firstName), (second, secondName));
        Require.Positive(beta);
    }
}
