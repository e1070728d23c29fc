namespace Microsoft.ML.Trl.Generation;

/// <summary>Keeps the k largest scores, and those equal to the smallest of them.</summary>
internal sealed class TopKFilter(int k) : ILogitsFilter
{
    public void Apply(ReadOnlySpan<int> context, int newTokens, Span<float> scores)
    {
        if (k >= scores.Length)
            return;
        float smallest = Smallest(scores);
        for (int i = 0; i < scores.Length; i++)
            if (scores[i] < smallest)
                scores[i] = float.NegativeInfinity;
    }

    /// <summary>The k-th largest score, in one pass with a heap of k entries.</summary>
    private float Smallest(ReadOnlySpan<float> scores)
    {
        PriorityQueue<float, float> best = new(k + 1);
        foreach (float score in scores[..k])
            best.Enqueue(score, score);
        float bound = best.Peek();
        foreach (float score in scores[k..])
        {
            if (score <= bound)
                continue;
            best.DequeueEnqueue(score, score);
            bound = best.Peek();
        }
        return bound;
    }
}
