namespace Microsoft.ML.Trl.Generation;

/// <summary>Tokens that may not follow what a row holds.</summary>
internal static class BannedTokens
{
    /// <summary>Those that would complete a run of tokens for the second time: arXiv:1705.04304, section 2.5.</summary>
    /// <param name="held">Tokens of the row.</param>
    /// <param name="size">Tokens of a run. At least 1.</param>
    public static IEnumerable<int> OfRepeatedRuns(IReadOnlyList<int> held, int size)
    {
        for (int end = size - 1; end < held.Count; end++)
            if (EndsAlike(held, end, size - 1))
                yield return held[end];
    }

    /// <summary>Those that would complete one of several runs of tokens.</summary>
    /// <param name="held">Tokens of the row.</param>
    /// <param name="words">Runs of at least two tokens.</param>
    public static IEnumerable<int> OfWords(IReadOnlyList<int> held, IEnumerable<IReadOnlyList<int>> words)
    {
        foreach (IReadOnlyList<int> word in words)
        {
            int known = word.Count - 1, start = held.Count - known;
            int same = 0;
            while (start >= 0 && same < known && held[start + same] == word[same])
                same++;
            if (same == known)
                yield return word[known];
        }
    }

    /// <summary>Whether the tokens before a place are those that the row ends with.</summary>
    private static bool EndsAlike(IReadOnlyList<int> held, int place, int count)
    {
        for (int back = 1; back <= count; back++)
            if (held[place - back] != held[held.Count - back])
                return false;
        return true;
    }
}
