using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>What GRPO minimises: how the ratio of new to old probability counts, and over what the tokens of a step are averaged.</summary>
/// <remarks>In JSON the names are TRL's, such as <c>vespo</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<GrpoLossType>))]
public enum GrpoLossType
{
    /// <summary>Clipped ratios; the mean of each completion, then of all of them: arXiv:2402.03300, Eq. 3.</summary>
    [JsonStringEnumMemberName("grpo")] Grpo,

    /// <summary>Clipped ratios over all tokens of a step times <see cref="GenerationOptions.MaxNewTokens"/>: arXiv:2503.20783.</summary>
    [JsonStringEnumMemberName("dr_grpo")] DrGrpo,

    /// <summary>Clipped ratios over the tokens of the whole step: arXiv:2503.14476, Eq. 8. TRL's default.</summary>
    [JsonStringEnumMemberName("dapo")] Dapo,

    /// <summary>Clipped ratios over the tokens of each forward pass, so that 1 × 8 and 8 × 1 are not the same.</summary>
    [JsonStringEnumMemberName("bnpo")] Bnpo,

    /// <summary>Log-probabilities weighted with the ratio, capped at EpsilonHigh, over the tokens of the step: arXiv:2506.13585.</summary>
    [JsonStringEnumMemberName("cispo")] Cispo,

    /// <summary>Ratios that a sigmoid levels off; the mean of each completion, then of all of them: arXiv:2511.20347.</summary>
    [JsonStringEnumMemberName("sapo")] Sapo,

    /// <summary>Clipped ratios of whole completions, each times its length: arXiv:2602.05261. Wants the level Sequence.</summary>
    [JsonStringEnumMemberName("luspo")] Luspo,

    /// <summary>
    /// Log-probabilities weighted with a gamma density of the completion's ratio, over the tokens of the step: arXiv:2602.10693.
    /// </summary>
    [JsonStringEnumMemberName("vespo")] Vespo,
}
