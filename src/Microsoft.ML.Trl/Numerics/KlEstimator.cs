using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// How KL(policy ‖ reference) is estimated at a sampled token, from its probabilities p under the policy and q under the reference: J.
/// Schulman, "Approximating KL divergence", http://joschu.net/blog/kl-approx.html.
/// </summary>
/// <remarks>In JSON the names are <c>k1</c>, <c>k2</c> and <c>k3</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<KlEstimator>))]
public enum KlEstimator
{
    /// <summary><c>log p - log q</c>: unbiased; of single tokens it may be negative.</summary>
    [JsonStringEnumMemberName("k1")] K1,

    /// <summary>
    /// <c>½ (log p - log q)²</c>: biased, of low variance, never negative; as a loss its gradient is that of K1 in the reward of the token.
    /// </summary>
    [JsonStringEnumMemberName("k2")] K2,

    /// <summary><c>q/p - 1 - log(q/p)</c>: unbiased, of lower variance than K1, never negative.</summary>
    [JsonStringEnumMemberName("k3")] K3,
}
