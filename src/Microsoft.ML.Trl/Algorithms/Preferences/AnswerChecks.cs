namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Refuses rows that cannot be learnt from, by number, before training starts.</summary>
internal static class AnswerChecks
{
    /// <summary>Checks every pair against the length limit and the model.</summary>
    /// <param name="examples">All pairs.</param>
    /// <param name="maxLength">Tokens at which rows are cut; null = they are not.</param>
    /// <param name="config">The model's.</param>
    /// <exception cref="ArgumentException">The message names the first bad row, counted from 0, and says what to do.</exception>
    public static void Check(IReadOnlyList<PreferenceExample> examples, int? maxLength, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(examples);
        for (int row = 0; row < examples.Count; row++)
        {
            PreferenceExample pair = examples[row];
            Check(row, pair.Prompt, [("chosen answer", pair.Chosen), ("rejected answer", pair.Rejected)], maxLength, config);
            if (pair.Chosen.AsSpan().SequenceEqual(pair.Rejected))
                throw Bad(row, "chosen and rejected are equal; a pair must say which of two answers is better. Leave the row out.");
        }
    }

    /// <summary>Checks every completion against the length limit and the model.</summary>
    /// <param name="examples">All completions.</param>
    /// <param name="maxLength">Tokens at which rows are cut; null = they are not.</param>
    /// <param name="config">The model's.</param>
    /// <exception cref="ArgumentException">The message names the first bad row, counted from 0, and says what to do.</exception>
    public static void Check(IReadOnlyList<UnpairedExample> examples, int? maxLength, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(examples);
        for (int row = 0; row < examples.Count; row++)
            Check(row, examples[row].Prompt, [("completion", examples[row].Completion)], maxLength, config);
    }

    private static void Check(int row, int[] prompt, (string Name, int[] Ids)[] answers, int? maxLength, ModelConfig config)
    {
        int limit = Math.Min(maxLength ?? config.ContextLength, config.ContextLength);
        bool uncut = maxLength is not { } cut || cut > limit;
        if (config.IsEncoderDecoder && prompt.Length == 0)
            throw Bad(row, $"the prompt is empty, but the encoder of a {config.ModelType} model reads it; give a prompt.");
        foreach ((string name, int[] ids) in answers)
            if (ids.Length == 0)
                throw Bad(row, $"the {name} is empty; it needs at least one token.");
        if (prompt.Length == 0 && answers.Min(answer => answer.Ids.Length) == 1)
            throw Bad(
                row, "the prompt is empty, and an answer has a single token, which nothing predicts; give a prompt or a longer answer.");
        if (prompt.Length >= limit)
            throw Bad(
                row,
                $"the prompt is {prompt.Length} tokens long and leaves no room for an answer within {limit}; "
                + "shorten it or raise MaxLength up to the model's context.");
        int length = prompt.Length + answers.Max(answer => answer.Ids.Length);
        if (uncut && length > limit)
            throw Bad(
                row,
                $"prompt and answer are {length} tokens long, more than the model's context of {limit}; "
                + $"set MaxLength to {limit} or less, and the ends are cut off.");
        foreach (int id in answers.SelectMany(answer => answer.Ids).Concat(prompt))
            if ((uint)id >= (uint)config.VocabularySize)
                throw Bad(
                    row,
                    $"token id {id} is outside the model's vocabulary of {config.VocabularySize}; tokenizer and model must belong "
                    + "together.");
    }

    private static ArgumentException Bad(int row, string what) => new($"Row {row}: {what}");
}
