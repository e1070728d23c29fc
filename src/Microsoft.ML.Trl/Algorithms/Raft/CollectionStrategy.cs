using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Which completions RAFT learns from.</summary>
/// <remarks>In JSON the names are LMFlow's, such as <c>top</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<CollectionStrategy>))]
public enum CollectionStrategy
{
    /// <summary>One completion of each prompt; those of the highest rewards, whatever they answer.</summary>
    [JsonStringEnumMemberName("top")] Top,

    /// <summary>
    /// Several completions of each prompt, and the best of each: for rewards that say more of the prompt than of its answer.
    /// </summary>
    [JsonStringEnumMemberName("local")] Local,
}
