using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of REINFORCE leave-one-out (arXiv:2402.14740), with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.
/// </summary>
/// <remarks>
/// <see cref="GroupOptions.Beta"/> times the log-ratio of a whole completion to the reference is taken from its reward; ratios and clipping
/// are those of whole completions.
/// </remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RlooOptions : GroupOptions
{
    /// <summary>TRL's defaults: two completions per prompt, β 0.05.</summary>
    public RlooOptions()
    {
        NumGenerations = 2;
        Beta = 0.05;
    }

    /// <summary>Scale the advantages of a generation to mean 0 and variance 1.</summary>
    public bool NormalizeAdvantages { get; init; }

    /// <summary>
    /// Least and greatest reward of a completion, before KL is taken from it; two finite numbers, the second greater. Null = any.
    /// </summary>
    public IReadOnlyList<double>? RewardClipRange { get; init; }

    internal override GroupOptions Checked() => Validated();

    internal override IGroupObjective Objective() => new RlooObjective(this);

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal RlooOptions Validated()
    {
        ValidateGroups();
        if (RewardClipRange is not null
            && !(RewardClipRange is [var least, var greatest] && double.IsFinite(least) && double.IsFinite(greatest) && least < greatest))
            throw new ArgumentException(FormattableString.Invariant(
                $"RewardClipRange ({string.Join(", ", RewardClipRange)}) must be two finite numbers, the second greater than the first."),
                nameof(RewardClipRange));
        return this;
    }
}
