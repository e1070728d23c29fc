namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Refuses pairs that cannot be learnt from, by row, before training starts.</summary>
internal static class PairChecks
{
    /// <summary>Checks every pair against the length limit and the model.</summary>
    /// <param name="examples">All pairs.</param>
    /// <param name="maxLength">Tokens at which rows are cut; null = they are not.</param>
    /// <param name="config">The model's.</param>
    /// <exception cref="ArgumentException">The message names the first bad row, counted from 0, and says what to do.</exception>
    public static void Check(IReadOnlyList<PreferenceExample> examples, int? maxLength, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(examples);
        int limit = Math.Min(maxLength ?? config.ContextLength, config.ContextLength);
        for (int row = 0; row < examples.Count; row++)
        {
            if (config.IsEncoderDecoder && examples[row].Prompt.Length == 0)
                throw Bad(row, $"the prompt is empty, but the encoder of a {config.ModelType} model reads it; give a prompt.");
            Check(examples[row], row, limit, maxLength is not { } cut || cut > limit, config.VocabularySize);
        }
    }

    private static void Check(PreferenceExample example, int row, int limit, bool uncut, int vocabulary)
    {
        if (example.Chosen.Length == 0 || example.Rejected.Length == 0)
            throw Bad(row, $"the {(example.Chosen.Length == 0 ? "chosen" : "rejected")} answer is empty; it needs at least one token.");
        if (example.Prompt.Length == 0 && Math.Min(example.Chosen.Length, example.Rejected.Length) == 1)
            throw Bad(
                row, "the prompt is empty, and an answer has a single token, which nothing predicts; give a prompt or a longer answer.");
        if (example.Chosen.AsSpan().SequenceEqual(example.Rejected))
            throw Bad(row, "chosen and rejected are equal; a pair must say which of two answers is better. Leave the row out.");
        if (example.Prompt.Length >= limit)
            throw Bad(
                row,
                $"the prompt is {example.Prompt.Length} tokens long and leaves no room for an answer within {limit}; "
                + "shorten it or raise MaxLength up to the model's context.");
        if (uncut && example.Length > limit)
            throw Bad(
                row,
                $"prompt and answer are {example.Length} tokens long, more than the model's context of {limit}; "
                + $"set MaxLength to {limit} or less, and the ends are cut off.");
        foreach (int id in example.Prompt.Concat(example.Chosen).Concat(example.Rejected))
            if ((uint)id >= (uint)vocabulary)
                throw Bad(
                    row, $"token id {id} is outside the model's vocabulary of {vocabulary}; tokenizer and model must belong together.");
    }

    private static ArgumentException Bad(int row, string what) => new($"Row {row}: {what}");
}
