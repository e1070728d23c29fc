using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Kto;

/// <summary>
/// Kahneman-Tversky optimisation: arXiv:2402.01306, Eq. 7. A <i>ratio</i> is the log-probability of a completion under the policy minus
/// that under the reference, summed over its tokens; <i>z</i> is what ratios are measured from.
/// </summary>
public static class KtoLoss
{
    /// <summary>Of a wanted completion: <c>1 - σ(β (r - z))</c>. With z = 0 the loss of APO-zero, arXiv:2408.06266, Eq. 7.</summary>
    /// <param name="ratio">[B] ratios r.</param>
    /// <param name="z">A scalar, or as many as there are ratios; without gradient.</param>
    /// <param name="beta">β, above 0.</param>
    /// <returns>[B], in (0, 1); ½ where the ratio is z. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// A tensor holds no floating-point numbers, z has another shape, or a number is out of range.
    /// </exception>
    public static Tensor Desirable(Tensor ratio, Tensor z, double beta)
    {
        Check(ratio, z, beta);
        return WrappedTensorDisposeScope(() => 1 - ((ratio - z) * beta).sigmoid());
    }

    /// <summary>Of an unwanted completion: <c>1 - σ(β (z - r))</c>. With z = 0 the loss of APO-zero.</summary>
    /// <param name="ratio">[B] ratios r.</param>
    /// <param name="z">A scalar, or as many as there are ratios; without gradient.</param>
    /// <param name="beta">β, above 0.</param>
    /// <returns>[B], in (0, 1); ½ where the ratio is z. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// A tensor holds no floating-point numbers, z has another shape, or a number is out of range.
    /// </exception>
    public static Tensor Undesirable(Tensor ratio, Tensor z, double beta)
    {
        Check(ratio, z, beta);
        return WrappedTensorDisposeScope(() => 1 - ((z - ratio) * beta).sigmoid());
    }

    private static void Check(
        Tensor ratio, Tensor z, double beta,
        [CallerArgumentExpression(nameof(ratio))] string ratioName = "", [CallerArgumentExpression(nameof(z))] string zName = "")
    {
        RequireTensor.Floating(ratio, ratioName);
        RequireTensor.Floating(z, zName);
        if (z.dim() > 0)
            RequireTensor.OneShape((ratio, ratioName), (z, zName));
        Require.Positive(beta);
    }
}
