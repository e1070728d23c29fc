using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// How the distance from the reference policy is estimated from sampled tokens: http://joschu.net/blog/kl-approx.html. In JSON the names
/// are TRL's.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<KlEstimator>))]
public enum KlEstimator
{
    /// <summary><c>log p - log q</c>: unbiased; of single tokens it may be negative.</summary>
    [JsonStringEnumMemberName("k1")] K1,
    /// <summary><c>q/p - 1 - log(q/p)</c>: unbiased, of lower variance, never negative.</summary>
    [JsonStringEnumMemberName("k3")] K3,
}
