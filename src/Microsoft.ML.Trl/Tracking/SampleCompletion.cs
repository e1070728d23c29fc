using System.Collections.ObjectModel;

namespace Microsoft.ML.Trl;

/// <summary>What a policy in training has written, for a human to read.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Completion">The answer.</param>
/// <param name="Score">What the reward gave for it; of several rewards the weighted sum. NaN where there is none.</param>
public sealed record SampleCompletion(string Prompt, string Completion, double Score)
{
    internal static readonly IReadOnlyDictionary<string, string> NoExtra = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>What each reward gave for it, by its name; null where the reward does not apply. Empty where nobody told.</summary>
    public IReadOnlyDictionary<string, double?> Rewards { get; init => field = Require.NotNull(value, nameof(Rewards)); } =
        ReadOnlyDictionary<string, double?>.Empty;

    /// <summary>How much better than its group it is, in the unit that the method learns from; null where the method has none.</summary>
    public double? Advantage { get; init; }

    /// <summary>What rewards showed beside it, by column: <see cref="RewardRow.LogExtra"/>.</summary>
    public IReadOnlyDictionary<string, string> Extra { get; init => field = Require.NotNull(value, nameof(Extra)); } = NoExtra;

    /// <summary>What the reference wrote in answer to the same prompt; null where it was not asked.</summary>
    public string? Reference { get; init; }
}
