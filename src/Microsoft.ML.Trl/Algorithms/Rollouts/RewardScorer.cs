namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The completions of one step, as token ids.</summary>
/// <param name="Step">Counted from 1.</param>
/// <param name="Prompts">Which prompts of the run were answered, as indices into its list; one may stand there several times.</param>
/// <param name="Queries">Their token ids.</param>
/// <param name="Responses">The new token ids of each, an end-of-text token included.</param>
internal sealed record RolloutTexts(
    int Step, IReadOnlyList<int> Prompts, IReadOnlyList<int[]> Queries, IReadOnlyList<int[]> Responses)
{
    /// <summary>How each came about; null where it is a single turn.</summary>
    public IReadOnlyList<RolloutTurns?>? Turns { get; init; }
}

/// <summary>Says how good responses are. Anything may stand behind it: functions, models, transformers, a recorded run.</summary>
internal interface IRolloutScorer
{
    /// <summary>Scores a batch.</summary>
    /// <param name="rollout">What was answered, and how.</param>
    /// <param name="cancel">Asks to stop early.</param>
    /// <returns>A row per response; higher is better.</returns>
    RewardTable Score(RolloutTexts rollout, CancellationToken cancel);

    /// <summary>Some prompts and responses as text, for a human to read. None where there is no tokenizer.</summary>
    /// <param name="rollout">What was answered, and how.</param>
    /// <param name="table">What <see cref="Score"/> gave for it.</param>
    /// <param name="scores">What the method makes of it, one per response; null where no reward applies.</param>
    /// <param name="count">How many at most.</param>
    IReadOnlyList<SampleCompletion> Samples(
        RolloutTexts rollout, RewardTable table, IReadOnlyList<double?> scores, int count) => [];
}

/// <summary>Turns responses back into text and asks reward functions.</summary>
/// <param name="rewards">Asked once per batch.</param>
/// <param name="policy">Whose responses they are.</param>
/// <param name="rows">The prompts of the run.</param>
internal sealed class RewardScorer(RewardGroup rewards, LanguageModel policy, IReadOnlyList<PromptRow> rows) : IRolloutScorer
{
    public RewardTable Score(RolloutTexts rollout, CancellationToken cancel)
    {
        var log = new RewardLog();
        RewardRow[] answers =
            [.. Enumerable.Range(0, rollout.Prompts.Count).Select(i => Row(policy, rows, rollout, i) with { Log = (log, i) })];
        RewardTable table = rewards.Score(answers, cancel).GetAwaiter().GetResult();
        return new RewardTable(table.Names, table.Columns, table.RowCount) { Log = log };
    }

    public IReadOnlyList<SampleCompletion> Samples(
        RolloutTexts rollout, RewardTable table, IReadOnlyList<double?> scores, int count) =>
    [
        .. Enumerable.Range(0, Math.Min(count, scores.Count)).Select(i => new SampleCompletion(
            Prompt(rows, rollout, i).Text, policy.Tokenizer.DecodeCompletion(rollout.Responses[i]), scores[i] ?? double.NaN)
        {
            Rewards = table.Row(i),
            Extra = table.Log.Extras(i),
        }),
    ];

    /// <summary>Asks a scorer, and checks what it gives.</summary>
    /// <param name="scorer">Asked once.</param>
    /// <param name="rollout">What was answered, and how.</param>
    /// <param name="cancel">Asks to stop early.</param>
    /// <exception cref="RewardFunctionException">
    /// The scorer threw, or did not give a finite number or null per response; the message names the function.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static RewardTable Ask(IRolloutScorer scorer, RolloutTexts rollout, CancellationToken cancel)
    {
        RewardTable table;
        try
        {
            table = scorer.Score(rollout, cancel);
        }
        catch (Exception cause) when (
            cause is not RewardFunctionException && (cause is not OperationCanceledException || !cancel.IsCancellationRequested))
        {
            throw new RewardFunctionException(rollout.Step, $"the reward function threw {cause.GetType().Name}: {cause.Message}", cause);
        }
        foreach (IReadOnlyList<double?> column in table.Columns)
            RewardTable.Checked(column, rollout.Responses.Count, "the reward function", rollout.Step);
        return table;
    }

    /// <summary>A response as rewards and judges see it; nobody hears what they log of it.</summary>
    /// <param name="policy">Whose response it is.</param>
    /// <param name="rows">The prompts of the run.</param>
    /// <param name="rollout">What was answered, and how.</param>
    /// <param name="index">Which of the responses.</param>
    public static RewardRow Row(LanguageModel policy, IReadOnlyList<PromptRow> rows, RolloutTexts rollout, int index)
    {
        int[] response = rollout.Responses[index];
        PromptRow row = rows[rollout.Prompts[index]];
        bool hasEnded = response.Length > 0 && policy.Network.Config.EosTokenIds.Contains(response[^1]);
        string text = policy.Tokenizer.DecodeCompletion(response);
        RowPrompt prompt = Prompt(rows, rollout, index);
        var read = new RewardRow(prompt.Given, text, rollout.Queries[index], response, hasEnded, row.Number, rollout.Step)
        {
            Read = prompt,
            Environment = rollout.Turns?[index]?.Environment,
            Fields = rollout.Turns?[index]?.Fields ?? RewardRow.NoFields,
        };
        return rollout.Turns?[index] is { } turns ? read with { Turns = turns.Messages } : read;
    }

    private static RowPrompt Prompt(IReadOnlyList<PromptRow> rows, RolloutTexts rollout, int index) =>
        rollout.Turns?[index]?.Prompt ?? rows[rollout.Prompts[index]].Prompt;
}
