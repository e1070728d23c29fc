using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>How the KL of a token is estimated from its log-ratio d to the reference: http://joschu.net/blog/kl-approx.html.</summary>
/// <remarks>In JSON the names are <c>k1</c>, <c>k2</c> and <c>k3</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<TokenKl>))]
public enum TokenKl
{
    /// <summary><c>d</c>: unbiased, may be negative.</summary>
    [JsonStringEnumMemberName("k1")] K1,

    /// <summary><c>d² / 2</c>: biased, of little variance; as a loss its gradient is that of K1 in the reward of the token.</summary>
    [JsonStringEnumMemberName("k2")] K2,

    /// <summary><c>exp(-d) - 1 + d</c>: unbiased, never negative.</summary>
    [JsonStringEnumMemberName("k3")] K3,
}
