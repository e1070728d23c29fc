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
public sealed class FixedKlController : IKlController
{
    /// <summary>A price.</summary>
    /// <param name="value">Reward units per nat, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The price is out of range.</exception>
    public FixedKlController(double value)
    {
        Require.NotNegative(value);
        Value = value;
    }

    /// <inheritdoc/>
    public double Value { get; }

    /// <inheritdoc/>
    public void Update(double meanKl, int samples) { }
}

/// <summary>Raises the price when the KL is above the target and lowers it when below: arXiv:1909.08593, section 2.2.</summary>
public sealed class AdaptiveKlController : IKlController
{
    private const double LargestError = 0.2;

    private readonly double _target, _horizon;

    /// <summary>A first price, and where it is to go.</summary>
    /// <param name="initial">Reward units per nat at the start, at least 0.</param>
    /// <param name="target">KL per response to steer to, in nats, above 0.</param>
    /// <param name="horizon">Responses over which an error of 20 % takes full effect, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public AdaptiveKlController(double initial, double target, double horizon)
    {
        Require.NotNegative(initial);
        Require.Positive(target);
        Require.Positive(horizon);
        (Value, _target, _horizon) = (initial, target, horizon);
    }

    /// <inheritdoc/>
    public double Value { get; private set; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The KL is no finite number, or there is no response.</exception>
    public void Update(double meanKl, int samples)
    {
        Require.Finite(meanKl);
        Require.AtLeast(samples, 1);
        double error = Math.Clamp((meanKl / _target) - 1, -LargestError, LargestError);
        Value *= 1 + (error * samples / _horizon);
    }
}
