using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Which function of the preference margin the methods minimise that sample their pairs. In JSON the names are TRL's.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PairLossType>))]
public enum PairLossType
{
    /// <summary><c>-log σ(β m)</c>: arXiv:2305.18290, Eq. 7.</summary>
    [JsonStringEnumMemberName("sigmoid")] Sigmoid,
    /// <summary><c>(m - 1/(2β))²</c>, of margins summed over the tokens: arXiv:2310.12036, Eq. 17.</summary>
    [JsonStringEnumMemberName("ipo")] Ipo,
}
