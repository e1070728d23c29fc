using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of group relative policy optimisation and its kin, with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed partial record GrpoOptions : GrpoLossOptions
{
    /// <summary>
    /// REINFORCE++ (arXiv:2501.03262) with OpenRLHF's settings: one completion of a prompt, its KL of 0.01 a nat taken from the reward.
    /// </summary>
    public static GrpoOptions ReinforcePlusPlus { get; } = new()
    {
        AdvantageEstimator = AdvantageEstimator.ReinforcePlusPlus, NumGenerations = 1, Beta = 0.01,
    };

    /// <summary>
    /// REINFORCE++-baseline (arXiv:2501.03262): several completions of a prompt, whose mean is taken from their rewards, and KL as a loss,
    /// of 0.01 a nat.
    /// </summary>
    public static GrpoOptions ReinforcePlusPlusBaseline { get; } = new()
    {
        AdvantageEstimator = AdvantageEstimator.ReinforcePlusPlusBaseline, Beta = 0.01, UseKlLoss = true, KlEstimator = KlEstimator.K2,
    };

    /// <summary>ReMax (arXiv:2310.10505): one completion of a prompt, against the likeliest one. Set Beta to charge KL.</summary>
    public static GrpoOptions ReMax { get; } = new() { AdvantageEstimator = AdvantageEstimator.ReMax, NumGenerations = 1 };

    /// <summary>
    /// What a completion is held against. The others than Group have an advantage for each token; they want the level Token, and no loss
    /// type of whole completions.
    /// </summary>
    public AdvantageEstimator AdvantageEstimator { get; init; }

    /// <summary>
    /// Make KL a part of the loss, as GRPO has it, rather than take it from the reward of each token. For
    /// <see cref="AdvantageEstimator"/> other than Group, of which it is always a part.
    /// </summary>
    public bool UseKlLoss { get; init; }

    /// <summary>
    /// How the KL of a token is estimated, with an <see cref="AdvantageEstimator"/> other than Group, which has K3. With
    /// <see cref="UseKlLoss"/> K2 or K3: K1 has no gradient that would draw to the reference.
    /// </summary>
    public KlEstimator KlEstimator { get; init; }
}
