namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>TRL's figures of the lengths of completions, in tokens of the policy's own.</summary>
internal static class CompletionLengths
{
    /// <summary>Notes the figures.</summary>
    /// <param name="figures">Told of them.</param>
    /// <param name="lengths">Of each completion.</param>
    /// <param name="hasEnded">Whether it came to its end; otherwise it was cut.</param>
    /// <param name="always">Give 0 for those that have ended where none has, as TRL does; false: leave these figures out.</param>
    public static void NoteLengths(
        this IFigures figures, IReadOnlyList<int> lengths, IReadOnlyList<bool> hasEnded, bool always = true)
    {
        figures.Note("completions/mean_length", lengths.Average(), lengths.Count);
        figures.Note("completions/min_length", lengths.Min(), pooling: Pooling.Least);
        figures.Note("completions/max_length", lengths.Max(), pooling: Pooling.Largest);
        figures.Note("completions/clipped_ratio", hasEnded.Average(end => end ? 0.0 : 1), lengths.Count);
        int[] ended = [.. lengths.Where((_, row) => hasEnded[row])];
        if (ended.Length == 0 && !always)
            return;
        figures.Note("completions/mean_terminated_length", ended.DefaultIfEmpty().Average(), ended.Length);
        figures.Note("completions/min_terminated_length", ended.DefaultIfEmpty().Min(), pooling: Pooling.Least);
        figures.Note("completions/max_terminated_length", ended.DefaultIfEmpty().Max(), pooling: Pooling.Largest);
    }
}
