using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>How the scores of several rewards become one advantage.</summary>
/// <remarks>In JSON the names are TRL's, such as <c>normalize_then_sum</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<MultiObjectiveAggregation>))]
public enum MultiObjectiveAggregation
{
    /// <summary>Weighted and added, then compared within the group.</summary>
    [JsonStringEnumMemberName("sum_then_normalize")] SumThenNormalize,

    /// <summary>Each compared within the group, then weighted and added, then scaled over the generation: GDPO, arXiv:2601.05242.</summary>
    [JsonStringEnumMemberName("normalize_then_sum")] NormalizeThenSum,
}
