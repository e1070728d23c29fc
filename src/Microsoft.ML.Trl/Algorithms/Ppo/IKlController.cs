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
