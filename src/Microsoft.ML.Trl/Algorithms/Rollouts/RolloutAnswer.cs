namespace Microsoft.ML.Trl;

/// <summary>A completion that <see cref="GroupOptions.RolloutFunc"/> gives.</summary>
/// <param name="CompletionIds">Its token ids, at least one, an end token included; what others said, too.</param>
/// <exception cref="ArgumentNullException">There is no list.</exception>
public sealed record RolloutAnswer(IReadOnlyList<int> CompletionIds)
{
    /// <summary>Its token ids, at least one, an end token included; what others said, too.</summary>
    public IReadOnlyList<int> CompletionIds { get; init; } =
        CompletionIds ?? throw new ArgumentNullException(nameof(CompletionIds));

    /// <summary>Token ids of the prompt that it stands behind; null, the default = those of the request.</summary>
    public IReadOnlyList<int>? PromptIds { get; init; }

    /// <summary>
    /// Which tokens of the completion the policy wrote, and so learns: TRL's <c>env_mask</c>. As many as there are tokens; null, the
    /// default = all.
    /// </summary>
    public IReadOnlyList<bool>? EnvMask { get; init; }

    /// <summary>What reward functions are told beside, in <see cref="RewardRow.Fields"/>.</summary>
    public IReadOnlyDictionary<string, object?> Fields { get; init; } = RewardRow.NoFields;
}
