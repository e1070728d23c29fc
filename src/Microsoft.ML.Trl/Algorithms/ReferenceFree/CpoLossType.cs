using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Which function of the difference of two answers is minimised; one function of <see cref="CpoLoss"/> each.</summary>
/// <remarks>In JSON the names are TRL's, such as <c>simpo</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<CpoLossType>))]
public enum CpoLossType
{
    /// <summary>Contrastive preference optimisation: <see cref="CpoLoss.Sigmoid"/> of summed log-probabilities.</summary>
    [JsonStringEnumMemberName("sigmoid")] Sigmoid,
    /// <summary>Hinge loss of SLiC: <see cref="CpoLoss.Hinge"/> of summed log-probabilities.</summary>
    [JsonStringEnumMemberName("hinge")] Hinge,
    /// <summary>Identity preference optimisation: <see cref="CpoLoss.Ipo"/> of means per token.</summary>
    [JsonStringEnumMemberName("ipo")] Ipo,
    /// <summary>Simple preference optimisation: <see cref="CpoLoss.Simpo"/> of means per token.</summary>
    [JsonStringEnumMemberName("simpo")] Simpo,
}
