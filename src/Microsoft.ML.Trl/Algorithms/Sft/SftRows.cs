namespace Microsoft.ML.Trl.Algorithms.Sft;

/// <summary>Examples → the rows that a batch counts: cut, marked and packed as the options say.</summary>
internal static class SftRows
{
    /// <summary>Each row holds the examples that share it: one without packing; several that do not see each other with best fit.</summary>
    /// <param name="examples">Texts to learn; those without tokens are left out.</param>
    /// <param name="options">Validated.</param>
    /// <exception cref="ArgumentException">
    /// CompletionOnlyLoss was asked for and no example has a prompt, or nothing is left to learn.
    /// </exception>
    public static IReadOnlyList<TokenExample[]> Prepare(IReadOnlyList<TokenExample> examples, SftOptions options)
    {
        if (options.CompletionOnlyLoss == true && examples.Count > 0 && examples.All(example => example.PromptLength == 0))
            throw new ArgumentException(
                "CompletionOnlyLoss is true, but no example has a prompt. "
                + "Give prompt and completion in two columns, or leave CompletionOnlyLoss at null.",
                nameof(options));
        bool learnsPrompts = options.CompletionOnlyLoss == false;
        IEnumerable<TokenExample> filled = examples.Where(example => example.Ids.Length > 0);
        List<TokenExample> marked = [.. filled.Select(example => learnsPrompts ? example with { PromptLength = 0 } : example)];
        IReadOnlyList<TokenExample[]> rows = (options.Packing, options.PackingStrategy) switch
        {
            (false, _) => [.. marked.Select(example => new[] { example.Truncated(options.MaxLength) })],
            (_, PackingStrategy.Wrapped) => Wrap(marked, options.MaxLength!.Value),
            (_, PackingStrategy.BfdSplit) =>
                BestFit([.. marked.SelectMany(example => Split(example, options.MaxLength!.Value))], options.MaxLength!.Value),
            _ => BestFit([.. marked.Select(example => example.Truncated(options.MaxLength))], options.MaxLength!.Value),
        };
        if (rows.Count > 0 && rows.All(row => row.All(example => example.LearnedTokens() == 0)))
            throw new ArgumentException(
                $"None of {examples.Count} examples has a token to learn: completions are empty, "
                + $"or MaxLength ({options.MaxLength}) cuts them all off. Raise MaxLength or check the completion column.",
                nameof(examples));
        return rows;
    }

    private static List<TokenExample[]> BestFit(List<TokenExample> examples, int capacity)
    {
        int[] lengths = [.. examples.Select(example => example.Ids.Length)];
        return [.. BestFitPacking.Rows(lengths, capacity).Select(row => row.Select(index => examples[index]).ToArray())];
    }

    private static IEnumerable<TokenExample> Split(TokenExample example, int length)
    {
        for (int start = 0; start < example.Ids.Length; start += length)
            yield return example.Slice(start, Math.Min(length, example.Ids.Length - start));
    }

    private static IReadOnlyList<TokenExample[]> Wrap(List<TokenExample> examples, int length)
    {
        int[] ids = [.. examples.SelectMany(example => example.Ids)];
        bool[] learned = [.. examples.SelectMany(example => Enumerable.Range(0, example.Ids.Length).Select(example.Learns))];
        var stream = new TokenExample(ids) { Learned = learned };
        return [.. Split(stream, length).Select(piece => new[] { piece })];
    }
}
