using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>What completions are measured from.</summary>
/// <remarks>In JSON the names are TRL's, such as <c>apo_zero_unpaired</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<KtoLossType>))]
public enum KtoLossType
{
    /// <summary>From the KL divergence of policy and reference, as completions of other prompts show it: arXiv:2402.01306, Eq. 7.</summary>
    [JsonStringEnumMemberName("kto")] Kto,
    /// <summary>From the reference: APO-zero (arXiv:2408.06266, Eq. 7) without pairs. Needs no second pass.</summary>
    [JsonStringEnumMemberName("apo_zero_unpaired")] ApoZeroUnpaired,
}
