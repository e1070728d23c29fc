namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>The same price from first to last.</summary>
/// <param name="value">Reward units per nat, at least 0.</param>
public sealed class FixedKlController(double value) : IKlController
{
    /// <inheritdoc/>
    public double Value { get; } = value;

    /// <inheritdoc/>
    public void Update(double meanKl, int samples)
    {
    }
}
