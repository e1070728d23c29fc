namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What rows must fit into.</summary>
/// <param name="BatchSize">Rows per step.</param>
/// <param name="VocabularySize">Token ids are below this.</param>
/// <param name="ContextLength">Query and response together are at most this many tokens.</param>
/// <param name="Layout">How they lie before the policy.</param>
internal sealed record RolloutLimits(int BatchSize, int VocabularySize, int ContextLength, TextLayout Layout);

/// <summary>Refuses what a step cannot learn from, by name and row, before anything changes.</summary>
internal static class RolloutChecks
{
    /// <summary>Checks the rows of one step against the batch size, the vocabulary and the context of the model.</summary>
    public static RolloutBatch Check(
        IReadOnlyList<int[]> queries,
        IReadOnlyList<int[]> responses,
        IReadOnlyList<double> scores,
        IReadOnlyList<bool[]>? responseMasks,
        RolloutLimits limits)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(responses);
        ArgumentNullException.ThrowIfNull(scores);
        CheckCount(queries.Count, nameof(queries), limits);
        CheckCount(responses.Count, nameof(responses), limits);
        CheckCount(scores.Count, nameof(scores), limits);
        if (responseMasks is not null)
            CheckCount(responseMasks.Count, nameof(responseMasks), limits);
        for (int row = 0; row < queries.Count; row++)
        {
            CheckTokens(queries[row], row, "query", limits);
            CheckTokens(responses[row], row, "response", limits);
            CheckLength(queries[row].Length, responses[row].Length, row, limits);
            CheckScore(scores[row], row);
            if (responseMasks is not null)
                CheckMask(responseMasks[row], responses[row].Length, row);
        }
        var batch = new RolloutBatch(queries, responses, responseMasks, limits.Layout);
        if (batch.Mask.Sum() < 2)
            throw new ArgumentException(
                "The whole batch has a single response token that counts; advantages need at least 2 to be whitened. "
                + "Give more rows or longer responses.",
                nameof(responses));
        return batch;
    }

    /// <summary>Checks prompts of a run, and those of its evaluations, in words that say which.</summary>
    /// <param name="prompts">That are learnt.</param>
    /// <param name="heldOut">That evaluations answer; null = there are none.</param>
    /// <param name="limits">Of the model.</param>
    public static void CheckPrompts(IReadOnlyList<int[]> prompts, IReadOnlyList<int[]>? heldOut, RolloutLimits limits)
    {
        CheckPrompts(prompts, limits);
        if (heldOut is not null)
            EvaluationRows.Check(() => CheckPrompts(heldOut, limits));
    }

    /// <summary>Checks prompts before a run: each needs a token, and room for one more.</summary>
    public static void CheckPrompts(IReadOnlyList<int[]> prompts, RolloutLimits limits)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        if (prompts.Count == 0)
            throw new ArgumentException("There are no prompts to train on: the data have no rows.", nameof(prompts));
        for (int row = 0; row < prompts.Count; row++)
        {
            CheckTokens(prompts[row], row, "prompt", limits);
            if (prompts[row].Length >= limits.ContextLength)
                throw new ArgumentException(
                    $"The prompt of row {row} is {prompts[row].Length} tokens long "
                    + $"and leaves no room for a response in the model's context of {limits.ContextLength}; shorten it.",
                    nameof(prompts));
        }
    }

    /// <summary>Checks the completions of a generation, those of a query one behind the other.</summary>
    public static void CheckGroups(
        IReadOnlyList<int[]> queries, IReadOnlyList<int[]> completions, IReadOnlyList<double?> scores, int count, int size,
        RolloutLimits limits)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(completions);
        ArgumentNullException.ThrowIfNull(scores);
        CheckPrompts(queries, limits);
        if (queries.Count != count)
            throw new ArgumentException(
                $"queries has {queries.Count} rows, but a step takes {count}; give exactly that many, or set PerDeviceTrainBatchSize and "
                + "StepsPerGeneration.", nameof(queries));
        foreach ((string name, int rows) in new[] { (nameof(completions), completions.Count), (nameof(scores), scores.Count) })
            if (rows != count * size)
                throw new ArgumentException(
                    $"{name} has {rows} rows for {count} queries with {size} completions each; give {count * size}.", name);
        for (int row = 0; row < completions.Count; row++)
        {
            CheckTokens(completions[row], row, "completion", limits);
            CheckLength(queries[row / size].Length, completions[row].Length, row, limits);
            CheckScore(scores[row] ?? 0, row);
        }
    }

    /// <summary>Checks one completion.</summary>
    /// <param name="query">Token ids of the prompt.</param>
    /// <param name="completion">Token ids behind it.</param>
    /// <param name="mask">Which of those are learnt; null = all.</param>
    /// <param name="row">Which it is, for the message.</param>
    /// <param name="limits">Of the model.</param>
    public static void CheckCompletion(int[] query, int[] completion, bool[]? mask, int row, RolloutLimits limits)
    {
        CheckTokens(query, row, "prompt", limits);
        CheckTokens(completion, row, "completion", limits);
        CheckLength(query.Length, completion.Length, row, limits);
        if (mask is not null)
            CheckMask(mask, completion.Length, row);
    }

    private static void CheckScore(double score, int row)
    {
        if (!double.IsFinite(score))
            throw new ArgumentException(FormattableString.Invariant(
                $"The score of row {row} is {score}; scores must be finite numbers. Mend the reward function, or leave the row out."));
    }

    private static void CheckCount(int count, string name, RolloutLimits limits)
    {
        if (count != limits.BatchSize)
            throw new ArgumentException(
                $"{name} has {count} rows, but BatchSize is {limits.BatchSize}; give exactly that many, or set BatchSize.", name);
    }

    private static void CheckTokens(int[] tokens, int row, string what, RolloutLimits limits)
    {
        if (tokens is null || tokens.Length == 0)
            throw new ArgumentException(
                $"The {what} of row {row} is {(tokens is null ? "null" : "empty")}; it needs at least one token.");
        foreach (int id in tokens)
            if ((uint)id >= (uint)limits.VocabularySize)
                throw new ArgumentException(
                    $"The {what} of row {row} has token id {id}, but the model's vocabulary is 0 to {limits.VocabularySize - 1}; "
                    + "tokenizer and model must belong together.");
    }

    private static void CheckLength(int query, int response, int row, RolloutLimits limits)
    {
        if (query + response > limits.ContextLength)
            throw new ArgumentException(
                $"Row {row} is {query + response} tokens long (query {query}, response {response}), "
                + $"but the model's context is {limits.ContextLength}; shorten the query or generate fewer tokens.");
    }

    private static void CheckMask(bool[] mask, int length, int row)
    {
        if (mask is null || mask.Length != length)
            throw new ArgumentException(
                $"The response mask of row {row} {(mask is null ? "is null" : $"has {mask.Length} entries")}, "
                + $"but the response has {length} tokens; give one per token.");
        if (!mask.Contains(true))
            throw new ArgumentException(
                $"The response mask of row {row} leaves out every token; leave at least one, the score goes on the last.");
    }
}
