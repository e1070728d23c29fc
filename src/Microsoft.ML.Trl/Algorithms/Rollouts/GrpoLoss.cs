using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>
/// What each token costs, before the costs are averaged. Ratios are those of new to old probability of tokens, or for each token that of
/// its completion; advantages are those of its completion. All are [n]; so are the results, which belong to the current scope.
/// </summary>
public static class GrpoLoss
{
    private const double LogLimit = 20;

    private static readonly double s_leastLog = Math.Log(1e-8);

    /// <summary><c>-min(r A, clip(r, 1 - ε_low, 1 + ε_high) A)</c>: arXiv:2402.03300, Eq. 3, and arXiv:2503.14476, Eq. 8.</summary>
    /// <param name="ratio">[n], with gradient.</param>
    /// <param name="advantages">[n]</param>
    /// <param name="epsilon">ε_low, in (0, 1).</param>
    /// <param name="epsilonHigh">ε_high, greater than 0.</param>
    /// <param name="delta">Upper bound of the ratio that is not clipped: arXiv:2505.07291, Eq. 4; null = none.</param>
    /// <returns>[n], with gradient. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor Clipped(Tensor ratio, Tensor advantages, double epsilon, double epsilonHigh, double? delta = null)
    {
        Check(ratio, advantages);
        using DisposeScope scope = NewDisposeScope();
        Tensor free = delta is { } bound ? ratio.clamp_max(bound) : ratio;
        Tensor clipped = ratio.clamp(1 - epsilon, 1 + epsilonHigh);
        return min(free * advantages, clipped * advantages).neg().MoveToOuterDisposeScope();
    }

    /// <summary><c>-sg(min(r, ε_high)) A log p</c>: CISPO, arXiv:2506.13585, Eq. 4.</summary>
    /// <param name="ratio">[n]; no gradient flows to it.</param>
    /// <param name="advantages">[n]</param>
    /// <param name="logProbs">[n], with gradient.</param>
    /// <param name="epsilonHigh">Largest weight, greater than 0.</param>
    /// <returns>[n], with gradient. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor Cispo(Tensor ratio, Tensor advantages, Tensor logProbs, double epsilonHigh)
    {
        Check(ratio, advantages);
        using DisposeScope scope = NewDisposeScope();
        return (ratio.detach().clamp_max(epsilonHigh) * advantages * logProbs).neg().MoveToOuterDisposeScope();
    }

    /// <summary><c>-(4/τ) σ(τ (r - 1)) A</c>, where τ goes by the sign of the advantage: SAPO, arXiv:2511.20347, Eq. 5.</summary>
    /// <param name="ratio">[n], with gradient.</param>
    /// <param name="advantages">[n]</param>
    /// <param name="positive">τ where the advantage is above 0. Greater than 0.</param>
    /// <param name="negative">τ elsewhere. Greater than 0.</param>
    /// <returns>[n], with gradient. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor Sapo(Tensor ratio, Tensor advantages, double positive, double negative)
    {
        Check(ratio, advantages);
        using DisposeScope scope = NewDisposeScope();
        Tensor temperature = where(advantages > 0, full_like(advantages, positive), full_like(advantages, negative));
        return ((temperature * (ratio - 1)).sigmoid() * (4 / temperature) * advantages).neg().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// <c>w^k exp(λ (1 - w))</c> of a completion's ratio w, where k and λ go by the sign of its advantage: VESPO, arXiv:2602.10693.
    /// </summary>
    /// <param name="logRatios">[b] log w: the sum over the tokens of a completion.</param>
    /// <param name="advantages">[b]</param>
    /// <param name="positive">k and λ where the advantage is not below 0.</param>
    /// <param name="negative">k and λ where it is.</param>
    /// <returns>[b], no gradient. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape, or hold no floating-point numbers.</exception>
    public static Tensor VespoWeights(
        Tensor logRatios, Tensor advantages, (double K, double Lambda) positive, (double K, double Lambda) negative)
    {
        Check(logRatios, advantages);
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor isPositive = advantages >= 0;
        Tensor k = where(isPositive, full_like(advantages, positive.K), full_like(advantages, negative.K));
        Tensor lambda = where(isPositive, full_like(advantages, positive.Lambda), full_like(advantages, negative.Lambda)).clamp_min(1e-4);
        Tensor log = logRatios.clamp(s_leastLog, LogLimit);
        return (lambda + (k * log) - (lambda * log.exp())).exp().nan_to_num(0, 0, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The log-ratio of a token as <see cref="VespoWeights"/> adds them up: within ±20.</summary>
    internal static Tensor Bounded(Tensor logRatio) => logRatio.detach().clamp(-LogLimit, LogLimit);

    private static void Check(Tensor ratio, Tensor advantages, [CallerArgumentExpression(nameof(ratio))] string name = "")
    {
        RequireTensor.Floating(ratio, name);
        RequireTensor.Floating(advantages);
        RequireTensor.OneShape((ratio, name), (advantages, nameof(advantages)));
    }
}
