namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>TRL's figures of the lengths of completions, in tokens of the policy's own.</summary>
internal static class CompletionLengths
{
    /// <summary>The figures.</summary>
    /// <param name="lengths">Of each completion.</param>
    /// <param name="hasEnded">Whether it came to its end; otherwise it was cut.</param>
    public static Dictionary<string, float> Figures(IReadOnlyList<int> lengths, IReadOnlyList<bool> hasEnded)
    {
        int[] ended = [.. lengths.Where((_, row) => hasEnded[row]).DefaultIfEmpty(0)];
        return new Dictionary<string, float>
        {
            ["completions/mean_length"] = (float)lengths.Average(),
            ["completions/min_length"] = lengths.Min(),
            ["completions/max_length"] = lengths.Max(),
            ["completions/clipped_ratio"] = (float)hasEnded.Average(end => end ? 0.0 : 1),
            ["completions/mean_terminated_length"] = (float)ended.Average(),
            ["completions/min_terminated_length"] = ended.Min(),
            ["completions/max_terminated_length"] = ended.Max(),
        };
    }
}
