namespace Microsoft.ML.Trl.Text;

/// <summary>A prompt and its steps as tokens.</summary>
/// <param name="Ids">All of them.</param>
/// <param name="Ends">Position of the last token of each step, its separator's.</param>
internal sealed record StepTokens(int[] Ids, int[] Ends);

/// <summary>Prompts and steps → tokens, as TRL's PRMTrainer makes them: each step by itself, with the separator behind it.</summary>
/// <param name="tokenizer">Of the model.</param>
/// <param name="separator">What ends each step.</param>
internal sealed class StepTexts(TextTokenizer tokenizer, string separator)
{
    private readonly int[] _separator = tokenizer.Encode(separator, addSpecialTokens: false);

    /// <summary>The steps of a completion; what follows its last separator is one too, unless there is nothing.</summary>
    public string[] Split(string completion)
    {
        string[] parts = completion.Split(separator);
        return parts[^1].Length == 0 ? parts[..^1] : parts;
    }

    /// <summary>A prompt and its steps.</summary>
    /// <param name="prompt">What is answered; the token that begins texts is put before it, where the tokenizer has one.</param>
    /// <param name="steps">At least one.</param>
    /// <param name="limit">Most tokens in all.</param>
    /// <param name="completionLimit">Most tokens of the steps; null = only <paramref name="limit"/>.</param>
    /// <returns>As far as they go; steps that are cut have no end.</returns>
    public StepTokens Encode(string prompt, IReadOnlyList<string> steps, int limit, int? completionLimit = null)
    {
        List<int> ids = [.. tokenizer.Encode(prompt, addSpecialTokens: false)];
        if (tokenizer.BosTokenId is { } begin)
            ids.Insert(0, begin);
        int most = Math.Min(limit, ids.Count + (completionLimit ?? limit));
        List<int> ends = [];
        foreach (string step in steps)
        {
            ids.AddRange(tokenizer.Encode(step, addSpecialTokens: false));
            ids.AddRange(_separator);
            if (ids.Count <= most)
                ends.Add(ids.Count - 1);
        }
        return new StepTokens([.. ids.Take(most)], [.. ends]);
    }
}
