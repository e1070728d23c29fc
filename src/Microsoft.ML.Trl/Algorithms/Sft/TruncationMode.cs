using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Which part of a text that is too long is kept.</summary>
/// <remarks>In JSON the names are TRL's, such as <c>keep_end</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<TruncationMode>))]
public enum TruncationMode
{
    /// <summary>Its last tokens.</summary>
    [JsonStringEnumMemberName("keep_end")] KeepEnd,
    /// <summary>Its first tokens.</summary>
    [JsonStringEnumMemberName("keep_start")] KeepStart,
}
