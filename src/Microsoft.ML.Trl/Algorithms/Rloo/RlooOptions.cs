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

    /// <summary>
    /// RLOO as TRL v0.11.4 had it: 2 completions of each prompt, 4 passes over each batch of them (<c>num_ppo_epochs</c>), 0.05 a nat
    /// (<c>kl_coef</c>), a clip range of 0.2, completions of 53 tokens at temperature 0.7, no dropout, no limit on the gradient.
    /// </summary>
    /// <remarks>
    /// The formulas are the same. What differs: a completion ends at its end token rather than after 53 tokens; the schedule of the
    /// learning rate goes by optimizer steps rather than batches; reports have the names of v1.9.0; <c>missing_eos_penalty</c> is for the
    /// reward function to charge (<see cref="RewardRow.HasEnded"/>). <c>whiten_rewards</c> had no effect there.
    /// </remarks>
    public static RlooOptions Classic { get; } = new()
    {
        NumIterations = 4, LearningRate = 5e-5, MaxGradNorm = 0, DisableDropout = true,
        Generation = new() { MaxNewTokens = 53, Temperature = 0.7 },
    };

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
