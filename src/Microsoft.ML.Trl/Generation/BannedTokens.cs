namespace Microsoft.ML.Trl.Generation;

/// <summary>Tokens that may not follow what a row holds.</summary>
internal static class BannedTokens
{
    /// <summary>Those that would complete a run of tokens for the second time: arXiv:1705.04304, section 2.5.</summary>
    /// <param name="held">Tokens of the row.</param>
    /// <param name="size">Tokens of a run. At least 1.</param>
    public static List<int> OfRepeatedRuns(ReadOnlySpan<int> held, int size)
    {
        List<int> banned = [];
        int known = size - 1;
        if (held.Length < known)
            return banned;
        ReadOnlySpan<int> begun = held[^known..];
        for (int end = known; end < held.Length; end++)
            if (held.Slice(end - known, known).SequenceEqual(begun))
                banned.Add(held[end]);
        return banned;
    }

    /// <summary>Those that would complete one of several runs of tokens.</summary>
    /// <param name="held">Tokens of the row.</param>
    /// <param name="words">Runs of at least two tokens.</param>
    public static List<int> OfWords(ReadOnlySpan<int> held, IReadOnlyList<int[]> words)
    {
        List<int> banned = [];
        foreach (int[] word in words)
            if (held.EndsWith(word.AsSpan(0, word.Length - 1)))
                banned.Add(word[^1]);
        return banned;
    }
}
