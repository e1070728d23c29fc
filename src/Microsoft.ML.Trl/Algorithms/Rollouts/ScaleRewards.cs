using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>By what standard deviation advantages are divided.</summary>
/// <remarks>In JSON the names are TRL's, such as <c>none</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<ScaleRewards>))]
public enum ScaleRewards
{
    /// <summary>That of the completions of the same prompt: arXiv:2402.03300, section 4.1.2.</summary>
    [JsonStringEnumMemberName("group")] Group,

    /// <summary>That of all completions of the generation: arXiv:2508.08221.</summary>
    [JsonStringEnumMemberName("batch")] Batch,

    /// <summary>By none, which does not favour prompts that are too easy or too hard: arXiv:2503.20783.</summary>
    [JsonStringEnumMemberName("none")] None,
}
