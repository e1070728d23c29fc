namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Asks rewards about completions of prompts that stand in no data.</summary>
internal sealed class PromptRewards
{
    private readonly LanguageModel _model;
    private readonly RewardSet _rewards;
    private readonly RewardContext _context;

    /// <param name="ml">The context.</param>
    /// <param name="model">Whose completions they are.</param>
    /// <param name="rewards">Asked together.</param>
    /// <exception cref="ArgumentException">One reads columns of rows, or cannot read completions.</exception>
    public PromptRewards(MLContext ml, LanguageModel model, RewardSet rewards)
    {
        (_model, _rewards) = (model, rewards);
        _context = new RewardContext(ml, ml.Data.LoadFromEnumerable(Array.Empty<NoColumns>()), model.Tokenizer);
        rewards.Check(ml, _context.Data.Schema);
    }

    /// <summary>The weighted sum of the rewards of each completion.</summary>
    /// <exception cref="RewardFunctionException">A reward threw, gave no finite number, or none applies to a completion.</exception>
    public IReadOnlyList<double> Score(IReadOnlyList<string> prompts, IReadOnlyList<Answer> answers)
    {
        PromptRow[] rows = [.. prompts.Select((prompt, row) => new PromptRow(
            row, new RowPrompt(prompt, TemplateCells.None, prompt, answers[row].Prompt, IsConversation: false)))];
        var texts = new RolloutTexts(
            0, [.. Enumerable.Range(0, rows.Length)], [.. answers.Select(answer => answer.Prompt)],
            [.. answers.Select(answer => answer.Tokens)]);
        double?[] sums = RewardScorer.Ask(_rewards.Bind(_context, _model, rows), texts, CancellationToken.None)
            .WeightedSums(_rewards.Weights);
        int missing = Array.IndexOf(sums, null);
        return missing < 0 ? [.. sums.Select(sum => sum!.Value)] : throw new RewardFunctionException(
            0, $"no reward applies to completion {missing}, and the best of several cannot leave one out; add a reward that always does.");
    }

    private sealed class NoColumns;
}
