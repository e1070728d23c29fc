using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>What one pass over the vocabulary found out about each row of logits; all tensors [n] float32.</summary>
/// <param name="LogProb">Log-probability of the label.</param>
/// <param name="InverseSum">Factor that turns what the pass left in the row into probabilities.</param>
/// <param name="Entropy">In nats.</param>
/// <param name="Hit">1 where the label has the largest logit.</param>
/// <param name="SquaredMass">Σp².</param>
/// <param name="MeanLogProb">Mean log-probability over the vocabulary.</param>
internal sealed record RowTotals(Tensor LogProb, Tensor InverseSum, Tensor Entropy, Tensor Hit, Tensor SquaredMass, Tensor MeanLogProb)
{
    /// <summary>Uninitialised totals, owned by the current scope.</summary>
    public static RowTotals Empty(long rows)
    {
        Tensor one() => empty(rows, dtype: ScalarType.Float32);
        return new RowTotals(one(), one(), one(), one(), one(), one());
    }

    /// <summary>The totals of all chunks as one; owned by the current scope.</summary>
    public static RowTotals Join(IReadOnlyList<RowTotals> parts, Device device)
    {
        if (parts.Count == 1)
            return parts[0];
        Tensor join(Func<RowTotals, Tensor> of) => parts.Count == 0 ? zeros(0, device: device) : cat([.. parts.Select(of)]);
        return new RowTotals(
            join(part => part.LogProb),
            join(part => part.InverseSum),
            join(part => part.Entropy),
            join(part => part.Hit),
            join(part => part.SquaredMass),
            join(part => part.MeanLogProb));
    }

    /// <summary>These totals, owned by the scope around the current one.</summary>
    public RowTotals MoveToOuter()
    {
        foreach (Tensor tensor in new[] { LogProb, InverseSum, Entropy, Hit, SquaredMass, MeanLogProb })
            tensor.MoveToOuterDisposeScope();
        return this;
    }
}
