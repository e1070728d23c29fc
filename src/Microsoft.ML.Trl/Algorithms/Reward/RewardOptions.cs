namespace Microsoft.ML.Trl;

/// <summary>Settings of reward modelling, TRL's RewardConfig. Immutable; make variants with <c>with</c>.</summary>
public sealed record RewardOptions : EpochOptions
{
    /// <summary>TRL's defaults.</summary>
    public RewardOptions() => LearningRate = 1e-4;

    /// <summary>Tokens of prompt and completion together, at least 1; a pair with a longer side is left out. Null = none is.</summary>
    public int? MaxLength { get; init; } = 1024;

    /// <summary>Train without dropout, so that both sides of a pair are scored by the same network.</summary>
    public bool DisableDropout { get; init; } = true;

    /// <summary>
    /// Weight of (score of chosen + score of rejected)², which keeps scores around 0: arXiv:2312.09244. At least
    /// 0; null = none, 0.01 is a good value.
    /// </summary>
    public double? CenterRewardsCoefficient { get; init; }

    /// <summary>Column of scores that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Score";

    /// <summary>Text column with the completions that the fitted stage scores.</summary>
    public string CompletionColumnName { get; init; } = "Completion";

    /// <summary>Text column with what both completions answer; rows without it are scored on the completions alone.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Text column with the better completion.</summary>
    public string ChosenColumnName { get; init; } = "Chosen";

    /// <summary>Text column with the worse completion.</summary>
    public string RejectedColumnName { get; init; } = "Rejected";

    /// <summary>Numeric column with the score by which chosen should win; null = no margins.</summary>
    public string? MarginColumnName { get; init; }

    /// <summary>
    /// Read prompts and completions as conversations. The fitted stage then scores the text of a completion as what the assistant says
    /// after the prompt, and, where there are no prompts, completions that are whole conversations. Null, the default: as texts.
    /// </summary>
    public ConversationOptions? Conversations { get; init; }

    /// <summary>What the fitted stage reads and adds.</summary>
    internal RewardOutput Output => new(OutputColumnName, PromptColumnName, CompletionColumnName, Conversations);

    private protected override bool HasDropout => !DisableDropout;

    /// <summary>The columns of pairs.</summary>
    internal PreferenceColumns Columns =>
        new(PromptColumnName, ChosenColumnName, RejectedColumnName, MarginColumnName, KeepsPrompt: false, Conversations);

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal RewardOptions Validated()
    {
        ValidateEpochs();
        Require.AtLeast(MaxLength, 1);
        Require.NotNegative(CenterRewardsCoefficient);
        Require.Named(OutputColumnName);
        Require.Named(CompletionColumnName);
        Require.Named(PromptColumnName);
        Require.Named(ChosenColumnName);
        Require.Named(RejectedColumnName);
        if (MarginColumnName is not null)
            Require.Named(MarginColumnName);
        Conversations?.Validated();
        return this;
    }
}
