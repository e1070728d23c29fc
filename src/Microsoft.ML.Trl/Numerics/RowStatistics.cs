using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>What one pass over the vocabulary found out about each row of logits; all tensors [n] float32.</summary>
/// <param name="LogProb">Log-probability of the label.</param>
/// <param name="LogTotal">Logarithm of Σ exp(logit).</param>
/// <param name="Entropy">In nats.</param>
/// <param name="Hit">1 where the label has the largest logit.</param>
/// <param name="SquaredMass">Σp².</param>
internal sealed record RowStatistics(Tensor LogProb, Tensor LogTotal, Tensor Entropy, Tensor Hit, Tensor SquaredMass)
{
    /// <summary>The statistics of all parts as one; owned by the current scope.</summary>
    public static RowStatistics Join(IReadOnlyList<RowStatistics> parts, Device device)
    {
        if (parts.Count == 1)
            return parts[0];
        Tensor Joined(Func<RowStatistics, Tensor> of) => parts.Count == 0 ? zeros(0, device: device) : cat([.. parts.Select(of)]);
        return new RowStatistics(
            Joined(part => part.LogProb),
            Joined(part => part.LogTotal),
            Joined(part => part.Entropy),
            Joined(part => part.Hit),
            Joined(part => part.SquaredMass));
    }

    /// <summary>These statistics, owned by the scope around the current one.</summary>
    public RowStatistics MoveToOuter()
    {
        foreach (Tensor tensor in new[] { LogProb, LogTotal, Entropy, Hit, SquaredMass })
            tensor.MoveToOuterDisposeScope();
        return this;
    }
}
