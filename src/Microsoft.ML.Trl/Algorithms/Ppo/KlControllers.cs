namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Sets the price of a nat of KL.</summary>
public interface IKlController
{
    /// <summary>Reward units per nat, at least 0.</summary>
    double Value { get; }

    /// <summary>Learns what a step came to.</summary>
    /// <param name="meanKl">Mean over the batch of the KL summed over each response, in nats.</param>
    /// <param name="samples">Responses in the batch.</param>
    void Update(double meanKl, int samples);
}

/// <summary>The same price from first to last.</summary>
/// <param name="value">Reward units per nat, at least 0.</param>
public sealed class FixedKlController(double value) : IKlController
{
    /// <inheritdoc/>
    public double Value { get; } = value;

    /// <inheritdoc/>
    public void Update(double meanKl, int samples) { }
}

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
