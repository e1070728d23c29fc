namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The completions of one step, as token ids.</summary>
/// <param name="Step">Counted from 1.</param>
/// <param name="Prompts">Which prompts of the run were answered, as indices into its list.</param>
/// <param name="Queries">Their token ids.</param>
/// <param name="Responses">The new token ids of each, an end-of-text token included.</param>
internal sealed record RolloutTexts(
    int Step, IReadOnlyList<int> Prompts, IReadOnlyList<int[]> Queries, IReadOnlyList<int[]> Responses);

/// <summary>Says how good responses are. Anything may stand behind it: a function, a model, a column of a transformer.</summary>
internal interface IRolloutScorer
{
    /// <summary>Scores a batch.</summary>
    /// <param name="rollout">What was answered, and how.</param>
    /// <param name="cancel">Asks to stop early.</param>
    /// <returns>One finite number per response; higher is better.</returns>
    IReadOnlyList<double> Score(RolloutTexts rollout, CancellationToken cancel);

    /// <summary>Some prompts and responses as text, for a human to read. None where there is no tokenizer.</summary>
    /// <param name="rollout">What was answered, and how.</param>
    /// <param name="scores">One per response.</param>
    /// <param name="count">How many at most.</param>
    IReadOnlyList<SampleCompletion> Samples(RolloutTexts rollout, IReadOnlyList<double> scores, int count) => [];
}

/// <summary>Turns responses back into text and asks a reward function.</summary>
/// <param name="reward">Asked once per batch.</param>
/// <param name="policy">Whose responses they are.</param>
/// <param name="rows">The prompts of the run.</param>
internal sealed class RewardScorer(BoundReward reward, LanguageModel policy, IReadOnlyList<PromptRow> rows) : IRolloutScorer
{
    public IReadOnlyList<double> Score(RolloutTexts rollout, CancellationToken cancel) =>
        reward([.. Enumerable.Range(0, rollout.Prompts.Count).Select(i => Row(policy, rows, rollout, i))], cancel);

    public IReadOnlyList<SampleCompletion> Samples(RolloutTexts rollout, IReadOnlyList<double> scores, int count) =>
    [
        .. Enumerable.Range(0, Math.Min(count, scores.Count)).Select(i => new SampleCompletion(
            rows[rollout.Prompts[i]].Prompt.Text, policy.Tokenizer.DecodeCompletion(rollout.Responses[i]), scores[i])),
    ];

    /// <summary>Asks a scorer, and checks what it gives.</summary>
    /// <param name="scorer">Asked once.</param>
    /// <param name="rollout">What was answered, and how.</param>
    /// <param name="cancel">Asks to stop early.</param>
    /// <exception cref="RewardFunctionException">The scorer threw, or did not give one finite number per response.</exception>
    public static IReadOnlyList<double> Ask(IRolloutScorer scorer, RolloutTexts rollout, CancellationToken cancel)
    {
        IReadOnlyList<double>? scores;
        try
        {
            scores = scorer.Score(rollout, cancel);
        }
        catch (Exception cause) when (cause is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            throw new RewardFunctionException(rollout.Step, $"the reward function threw {cause.GetType().Name}: {cause.Message}", cause);
        }
        return Checked(scores, rollout.Responses.Count, rollout.Step);
    }

    /// <summary>The scores, if there is one finite number per response.</summary>
    /// <exception cref="RewardFunctionException">There is not.</exception>
    public static IReadOnlyList<double> Checked(IReadOnlyList<double>? scores, int responses, int step)
    {
        if (scores is null || scores.Count != responses)
            throw new RewardFunctionException(
                step,
                $"the reward function gave {(scores is null ? "null" : $"{scores.Count} scores")} for {responses} responses; "
                + "it must give one for each.");
        for (int row = 0; row < scores.Count; row++)
            if (!double.IsFinite(scores[row]))
                throw new RewardFunctionException(
                    step, FormattableString.Invariant($"the reward function gave {scores[row]} for row {row} of the batch; ")
                    + "scores must be finite numbers.");
        return scores;
    }

    /// <summary>A response as rewards and judges see it.</summary>
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
        return new RewardRow(row.Prompt.Given, text, rollout.Queries[index], response, hasEnded, row.Number, rollout.Step)
        {
            Read = row.Prompt,
        };
    }
}
