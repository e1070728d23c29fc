namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Raises the price when the KL is above the target and lowers it when below: arXiv:1909.08593, section 2.2.</summary>
/// <param name="initial">Reward units per nat at the start, at least 0.</param>
/// <param name="target">KL per response to steer to, in nats, above 0.</param>
/// <param name="horizon">Responses over which an error of 20 % takes full effect, above 0.</param>
public sealed class AdaptiveKlController(double initial, double target, double horizon) : IKlController
{
    private const double LargestError = 0.2;

    /// <inheritdoc/>
    public double Value { get; private set; } = initial;

    /// <inheritdoc/>
    public void Update(double meanKl, int samples)
    {
        double error = Math.Clamp((meanKl / target) - 1, -LargestError, LargestError);
        Value *= 1 + (error * samples / horizon);
    }
}
