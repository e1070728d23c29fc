namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>Makes pairs of scored answers: LMFlow's <c>sampling_paired_method</c>.</summary>
internal static class ScoredPairs
{
    /// <summary>The better and the worse of the two answers that a method chooses; null where they are equally good.</summary>
    /// <param name="scores">At least two.</param>
    /// <param name="method">Which two.</param>
    /// <param name="random">Decides what is left to chance.</param>
    public static (int Chosen, int Rejected)? Choose(IReadOnlyList<double> scores, SamplingPairedMethod method, Random random)
    {
        int[] order = [.. Enumerable.Range(0, scores.Count).OrderByDescending(answer => scores[answer])]; // the first of equals first
        (int one, int other) = method switch
        {
            SamplingPairedMethod.MaxMin => (order[0], order[^1]),
            SamplingPairedMethod.MaxMax => (order[0], order[1]),
            SamplingPairedMethod.MaxRandom => (order[0], order[random.Next(1, order.Length)]),
            SamplingPairedMethod.Random => Two(scores.Count, random),
            _ => throw new ArgumentOutOfRangeException(nameof(method), method, "There is no such method."),
        };
        return scores[one] == scores[other] ? null : scores[one] > scores[other] ? (one, other) : (other, one);
    }

    private static (int One, int Other) Two(int count, Random random)
    {
        int one = random.Next(count), other = random.Next(count - 1);
        return (one, other < one ? other : other + 1);
    }
}
