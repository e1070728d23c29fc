using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>What has a ratio of new to old probability.</summary>
/// <remarks>In JSON the names are TRL's, such as <c>sequence</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<ImportanceSamplingLevel>))]
public enum ImportanceSamplingLevel
{
    /// <summary>Every token its own.</summary>
    [JsonStringEnumMemberName("token")] Token,

    /// <summary>The geometric mean of a completion's tokens, for all of them: GSPO, arXiv:2507.18071, Eq. 7.</summary>
    [JsonStringEnumMemberName("sequence")] Sequence,
}
