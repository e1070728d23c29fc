namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The reward functions of a run, with their weights.</summary>
internal sealed class RewardSet
{
    private readonly RewardFunction[] _rewards;

    private RewardSet() => (_rewards, Weights, Names) = ([], [], []);

    /// <summary>For a method that learns from something else.</summary>
    public static RewardSet None { get; } = new();

    /// <summary>Checks what was given.</summary>
    /// <param name="rewards">At least one.</param>
    /// <param name="weights">One finite number per reward; null = 1 each.</param>
    /// <exception cref="ArgumentException">There is no reward, or weights do not fit.</exception>
    public RewardSet(IReadOnlyList<RewardFunction> rewards, IReadOnlyList<double>? weights = null)
    {
        ArgumentNullException.ThrowIfNull(rewards);
        if (rewards.Count == 0)
            throw new ArgumentException("There is no reward function; give at least one.", nameof(rewards));
        for (int reward = 0; reward < rewards.Count; reward++)
            if (rewards[reward] is null)
                throw new ArgumentException($"Reward function {reward} is null; leave it out, or give one.", nameof(rewards));
        if (weights is not null && weights.Count != rewards.Count)
            throw new ArgumentException(
                $"RewardWeights has {weights.Count} numbers for {rewards.Count} reward functions; give one for each, or none for 1 each.",
                nameof(weights));
        for (int reward = 0; reward < weights?.Count; reward++)
            if (!double.IsFinite(weights[reward]))
                throw new ArgumentException(
                    FormattableString.Invariant($"RewardWeights[{reward}] is {weights[reward]}; weights must be finite numbers."),
                    nameof(weights));
        _rewards = [.. rewards];
        Weights = weights is null ? [.. rewards.Select(_ => 1.0)] : [.. weights];
        Names = RewardNames.Unique([.. rewards.Select(reward => reward.Name)]);
    }

    /// <summary>[R] what metrics call them; no two are equal.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>[R]</summary>
    public IReadOnlyList<double> Weights { get; }

    /// <summary>Finds what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentException">A reward cannot read the data; the message says which column is missing.</exception>
    public void Check(MLContext ml, DataViewSchema data)
    {
        foreach (RewardFunction reward in _rewards)
            reward.Check(ml, data);
    }

    /// <summary>Gets ready for a run.</summary>
    /// <param name="context">What they are asked in.</param>
    /// <param name="policy">Whose responses they score.</param>
    /// <param name="prompts">Those of the run, by which <see cref="RolloutTexts.Prompts"/> counts.</param>
    public RewardScorer Bind(RewardContext context, LanguageModel policy, IReadOnlyList<PromptRow> prompts) =>
        new(new RewardGroup(_rewards, context), policy, prompts);
}
