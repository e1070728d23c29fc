namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Says how good responses are. Anything may stand behind it: a function, a model, a column of a transformer.</summary>
internal interface IRolloutScorer
{
    /// <summary>Scores a batch.</summary>
    /// <param name="prompts">Which prompts of the run were answered, as indices into its list.</param>
    /// <param name="queries">Their token ids.</param>
    /// <param name="responses">The new token ids of each, an end-of-text token included.</param>
    /// <param name="cancel">Asks to stop early.</param>
    /// <returns>One finite number per response; higher is better.</returns>
    IReadOnlyList<double> Score(
        IReadOnlyList<int> prompts, IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses, CancellationToken cancel);
}

/// <summary>Turns responses back into text and asks a reward function.</summary>
/// <param name="ml">For rewards that are pipelines.</param>
/// <param name="reward">Asked once per batch.</param>
/// <param name="tokenizer">The policy's.</param>
/// <param name="texts">The prompts of the run, as the data have them.</param>
internal sealed class RewardScorer(
    MLContext ml, RewardFunction reward, TextTokenizer tokenizer, IReadOnlyList<string> texts) : IRolloutScorer
{
    public IReadOnlyList<double> Score(
        IReadOnlyList<int> prompts, IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses, CancellationToken cancel)
    {
        string[] decoded = [.. responses.Select(response => tokenizer.Decode(response))];
        return reward.Score(ml, [.. prompts.Select(row => texts[row])], decoded, cancel);
    }

    /// <summary>Asks a scorer, and checks what it gives.</summary>
    /// <param name="scorer">Asked once.</param>
    /// <param name="step">Counted from 1, for messages.</param>
    /// <param name="prompts">As in <see cref="IRolloutScorer.Score"/>.</param>
    /// <param name="queries">As there.</param>
    /// <param name="responses">As there.</param>
    /// <param name="cancel">As there.</param>
    /// <exception cref="RewardFunctionException">The scorer threw, or did not give one finite number per response.</exception>
    public static IReadOnlyList<double> Ask(
        IRolloutScorer scorer,
        int step,
        IReadOnlyList<int> prompts,
        IReadOnlyList<int[]> queries,
        IReadOnlyList<int[]> responses,
        CancellationToken cancel)
    {
        IReadOnlyList<double> scores;
        try
        {
            scores = scorer.Score(prompts, queries, responses, cancel);
        }
        catch (Exception cause) when (cause is not OperationCanceledException || !cancel.IsCancellationRequested)
        {
            throw new RewardFunctionException(step, $"the reward function threw {cause.GetType().Name}: {cause.Message}", cause);
        }
        if (scores is null || scores.Count != responses.Count)
            throw new RewardFunctionException(
                step, $"the reward function gave {scores?.Count ?? 0} scores for {responses.Count} responses; it must give one for each.");
        for (int row = 0; row < scores.Count; row++)
            if (!double.IsFinite(scores[row]))
                throw new RewardFunctionException(step, FormattableString.Invariant(
                    $"the reward function gave {scores[row]} for row {row} (prompt {prompts[row]}); scores must be finite numbers."));
        return scores;
    }
}
