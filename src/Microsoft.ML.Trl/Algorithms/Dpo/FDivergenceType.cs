using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Which divergence holds the policy near the reference: arXiv:2309.16240.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FDivergenceType>))]
public enum FDivergenceType
{
    /// <summary>The usual one of DPO; seeks modes.</summary>
    [JsonStringEnumMemberName("reverse_kl")] ReverseKl,
    /// <summary>Covers the reference's mass.</summary>
    [JsonStringEnumMemberName("forward_kl")] ForwardKl,
    /// <summary>Symmetric and bounded.</summary>
    [JsonStringEnumMemberName("js_divergence")] JsDivergence,
    /// <summary>Between the two KLs, by a coefficient.</summary>
    [JsonStringEnumMemberName("alpha_divergence")] AlphaDivergence,
}
