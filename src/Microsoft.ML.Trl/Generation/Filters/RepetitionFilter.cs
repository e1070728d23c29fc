namespace Microsoft.ML.Trl.Generation;

/// <summary>Makes tokens that the row already holds less likely: arXiv:1909.05858, section 4.1.</summary>
/// <param name="penalty">Greater than 1 discourages, below 1 encourages.</param>
internal sealed class RepetitionFilter(float penalty) : ILogitsFilter
{
    public void Apply(ReadOnlySpan<int> context, int newTokens, Span<float> scores)
    {
        HashSet<int> seen = [];
        foreach (int token in context)
            if (seen.Add(token))
                scores[token] = scores[token] < 0 ? scores[token] * penalty : scores[token] / penalty;
    }
}
