using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>How the distance from the reference policy is charged per token. In JSON the names are TRL's.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<KlPenalty>))]
public enum KlPenalty
{
    /// <summary><c>log p - log q</c> of the sampled token; may be negative.</summary>
    [JsonStringEnumMemberName("kl")] Kl,
    /// <summary>Its absolute value.</summary>
    [JsonStringEnumMemberName("abs")] Abs,
    /// <summary>Half its square.</summary>
    [JsonStringEnumMemberName("mse")] Mse,
    /// <summary>The exact KL over the whole vocabulary; costs the distributions of both models.</summary>
    [JsonStringEnumMemberName("full")] Full,
}
