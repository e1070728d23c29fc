namespace Microsoft.ML.Trl.Algorithms.Raft;

/// <summary>A completion as it is scored and learnt.</summary>
/// <param name="Text">Prompt and completion.</param>
/// <param name="Completion">As text.</param>
/// <param name="IsUsable">Whether it may be learnt.</param>
internal sealed record RaftSample(TokenExample Text, string Completion, bool IsUsable)
{
    /// <summary>Tokens of the prompt.</summary>
    public int[] Query => Text.Ids[..Text.PromptLength];

    /// <summary>Tokens of the completion.</summary>
    public int[] Response => Text.Ids[Text.PromptLength..];
}

/// <summary>Answers held-out prompts once each, and cleans the answers as those that are learnt are cleaned.</summary>
/// <param name="rows">The prompts.</param>
/// <param name="cleaner">Of the run.</param>
internal sealed class CleanedAnswers(IReadOnlyList<PromptRow> rows, CompletionCleaner cleaner) : IRollout
{
    /// <inheritdoc/>
    public RolloutDraw Draw(RolloutTask task, TurnSampling sample, CancellationToken cancel)
    {
        IReadOnlyList<int[]> responses = sample(task.Queries, [.. Enumerable.Range(0, task.Queries.Count)], int.MaxValue, cancel);
        IEnumerable<RaftSample> samples = task.Prompts.Zip(responses, (row, response) => cleaner.Clean(rows[row].Prompt, response));
        return new RolloutDraw([.. samples.Select(cleaned => new DrawnCompletion(cleaned.Query, cleaned.Response))], []);
    }
}

/// <summary>Cuts completions where they go on with the next turn, and says which are none.</summary>
/// <param name="model">Whose completions they are.</param>
/// <param name="options">Validated.</param>
internal sealed class CompletionCleaner(LanguageModel model, RaftOptions options)
{
    private const char Sign = '#';

    private readonly RowCodec _rows = model.Codec.Rows(isConversational: false);

    /// <summary>What becomes of a completion.</summary>
    /// <param name="prompt">What was answered.</param>
    /// <param name="response">The very tokens that were drawn.</param>
    public RaftSample Clean(RowPrompt prompt, int[] response)
    {
        string written = model.Tokenizer.DecodeCompletion(response);
        bool isMarked = options.TurnMarker is { } marker && !prompt.IsConversation
            && prompt.Text.Contains(marker, StringComparison.Ordinal);
        string text = isMarked ? FirstTurn(written, options.TurnMarker!) : written;
        bool isUsable = text.Length >= options.MinCompletionCharacters && !(isMarked && text.Contains(Sign));
        return new RaftSample(text == written ? AsDrawn(prompt, response) : Ended(prompt, text), text, isUsable);
    }

    /// <summary>The first part that is not empty, without white space and signs at its ends.</summary>
    private static string FirstTurn(string text, string marker) =>
        (text.Split(marker).FirstOrDefault(part => part.Length > 0) ?? "").Trim().Trim(Sign);

    private static TokenExample AsDrawn(RowPrompt prompt, int[] response) => new([.. prompt.Ids, .. response], prompt.Ids.Length);

    /// <summary>A turn that was cut has come to its end.</summary>
    private TokenExample Ended(RowPrompt prompt, string completion)
    {
        RowTokens tokens = _rows.Continued(prompt.Given, completion, prompt.With);
        return new TokenExample(tokens.Ids, tokens.PromptLength).Truncated(model.Codec.ContextLength);
    }
}
