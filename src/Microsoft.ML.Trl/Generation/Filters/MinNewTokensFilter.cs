namespace Microsoft.ML.Trl.Generation;

/// <summary>Forbids the end until enough tokens were added.</summary>
internal sealed class MinNewTokensFilter(int minimum, IReadOnlyList<int> endTokens) : ILogitsFilter
{
    public void Apply(ReadOnlySpan<int> context, int newTokens, Span<float> scores)
    {
        if (newTokens >= minimum)
            return;
        foreach (int token in endTokens)
            scores[token] = float.NegativeInfinity;
    }
}
