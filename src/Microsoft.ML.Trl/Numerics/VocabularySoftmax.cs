using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// Softmax over [n, V] logits, in place, with what the same pass tells about each row. It goes over a few rows at a time, all of whose
/// steps then find them in the processor's cache. Factors of rows are left to whoever multiplies the result with [n, H] or [V, H], where
/// they cost nothing. Call without gradients and inside a scope.
/// </summary>
internal static class VocabularySoftmax
{
    /// <summary>Numbers of the rows that are worked on at a time on the CPU: 1 MB.</summary>
    public const long BlockElements = 1 << 18;

    /// <summary>Replaces logits by probabilities.</summary>
    /// <param name="logits">[n, V] float32.</param>
    /// <param name="labels">[n] int64.</param>
    public static RowStatistics Apply(Tensor logits, Tensor labels)
    {
        var parts = new List<RowStatistics>();
        foreach ((long start, long length) in Blocks(logits))
        {
            using DisposeScope scope = NewDisposeScope();
            parts.Add(ApplyBlock(logits.narrow(0, start, length), labels.narrow(0, start, length)).MoveToOuter());
        }
        return RowStatistics.Join(parts, logits.device);
    }

    /// <summary>The rows that are worked on at a time: as many as a processor's cache holds, and all on a GPU.</summary>
    /// <param name="logits">[n, V].</param>
    public static IEnumerable<(long Start, long Count)> Blocks(Tensor logits)
    {
        (long count, long vocabulary) = (logits.shape[0], logits.shape[1]);
        long rows = logits.device_type == DeviceType.CPU ? Math.Max(1, BlockElements / vocabulary) : Math.Max(1, count);
        for (long start = 0; start < count; start += rows)
            yield return (start, Math.Min(rows, count - start));
    }

    /// <summary>
    /// Probabilities less the label's weight at the label: the derivative of the label's negative log-probability where that is 1.
    /// </summary>
    /// <param name="probabilities">[n, V] float32, changed in place.</param>
    /// <param name="labels">[n] int64.</param>
    /// <param name="weight">What is taken from the label's probability.</param>
    public static void SubtractLabels(Tensor probabilities, Tensor labels, double weight) =>
        probabilities.scatter_add_(
            -1, labels.unsqueeze(-1), full(labels.shape[0], 1, -weight, dtype: ScalarType.Float32, device: labels.device));

    private static RowStatistics ApplyBlock(Tensor logits, Tensor labels)
    {
        Tensor softmax = logits.softmax(-1);                                   // [m, V]
        Tensor largest = logits.amax([-1]);                                    // [m]
        Tensor logTotal = largest - softmax.amax([-1]).log_();
        Tensor label = logits.gather(-1, labels.unsqueeze(-1)).squeeze(-1);
        RowStatistics rows = new(
            LogProb: label - logTotal,
            LogTotal: logTotal,
            Entropy: logTotal - (softmax * logits).sum(-1),
            Hit: label.eq(largest).to_type(ScalarType.Float32),
            SquaredMass: softmax.norm(-1).square());
        logits.copy_(softmax);
        return rows;
    }
}
