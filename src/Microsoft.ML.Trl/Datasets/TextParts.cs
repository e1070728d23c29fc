namespace Microsoft.ML.Trl.Datasets;

/// <summary>Tokens that stand one behind the other in a row of a batch.</summary>
/// <param name="Row">Of the batch.</param>
/// <param name="Start">Place of the first token in the row.</param>
/// <param name="Length">Tokens, at least 1.</param>
/// <param name="Behind">Number of the part that holds what stands before them, where rows share that; null = nothing does.</param>
internal sealed record TextPart(int Row, int Start, int Length, int? Behind = null);

/// <summary>
/// What a model reads of a batch and in which order: each row as a whole, or where rows have the same prompt, that once and then what
/// follows it in each of them. What a row says does not depend on it.
/// </summary>
/// <param name="parts">A part stands behind an earlier one that begins its row.</param>
internal sealed class TextParts(IReadOnlyList<TextPart> parts)
{
    /// <summary>Tokens of a prompt from which on it is read once: below, that costs more than it saves.</summary>
    public const int LeastShared = 16;

    /// <summary>The parts.</summary>
    public IReadOnlyList<TextPart> Parts { get; } = parts;

    /// <summary>Tokens of all parts.</summary>
    public long Tokens => Parts.Sum(part => (long)part.Length);

    /// <summary>Each row as a whole.</summary>
    /// <param name="lengths">Tokens of each row.</param>
    public static TextParts WholeRows(IReadOnlyList<int> lengths) =>
        new([.. lengths.Select((length, row) => new TextPart(row, 0, length))]);

    /// <summary>The rows with each prompt once.</summary>
    /// <param name="rows">None empty.</param>
    /// <param name="lengths">How many tokens of each row are read, at least 1; padding may be among them.</param>
    /// <returns>Null where no two rows share a prompt that is worth it.</returns>
    public static TextParts? WithSharedPrompts(IReadOnlyList<TokenExample> rows, IReadOnlyList<int> lengths)
    {
        List<TextPart> parts = [];
        bool isShared = false;
        foreach (IGrouping<int[], int> group in Enumerable.Range(0, rows.Count)
            .GroupBy(row => Prompt(rows[row], lengths[row]), SameNumbers.Instance))
        {
            int known = group.Key.Length >= LeastShared && group.Skip(1).Any() ? group.Key.Length : 0;
            int? behind = known == 0 ? null : parts.Count;
            if (known > 0)
                parts.Add(new TextPart(group.First(), 0, known));
            parts.AddRange(group.Select(row => new TextPart(row, known, lengths[row] - known, behind)));
            isShared |= known > 0;
        }
        return isShared ? new TextParts(parts) : null;
    }

    /// <summary>Which tokens of [B, T] ids are read, counted row by row.</summary>
    /// <param name="width">T.</param>
    public long[] Read(long width) =>
        [.. Parts.SelectMany(part => Enumerable.Range(part.Start, part.Length).Select(place => (part.Row * width) + place))];

    /// <summary>For each token of [B, T] ids, where among those that are read it stands; 0 for padding that is not read.</summary>
    /// <param name="rows">B.</param>
    /// <param name="width">T.</param>
    public long[] Places(long rows, long width)
    {
        var places = new long[rows * width];
        long next = 0;
        var starts = new long[Parts.Count];
        for (int number = 0; number < Parts.Count; number++)
        {
            TextPart part = Parts[number];
            (long row, starts[number]) = (part.Row * width, next);
            if (part.Behind is { } beginning)
                for (int place = 0; place < part.Start; place++)
                    places[row + place] = starts[beginning] + place;
            for (int place = 0; place < part.Length; place++)
                places[row + part.Start + place] = next++;
        }
        return places;
    }

    /// <summary>The prompt, or less of it where nothing else would be read of the row.</summary>
    private static int[] Prompt(TokenExample row, int length) =>
        row.Ids[..Math.Min(row.PromptLength, Math.Min(row.Ids.Length, length) - 1)];
}
