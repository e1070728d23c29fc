using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Which two of several scored answers make a pair. In JSON the names are LMFlow's.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SamplingPairedMethod>))]
public enum SamplingPairedMethod
{
    /// <summary>The best, and any other one.</summary>
    [JsonStringEnumMemberName("max_random")] MaxRandom,
    /// <summary>The best and the worst.</summary>
    [JsonStringEnumMemberName("max_min")] MaxMin,
    /// <summary>The best and the second best.</summary>
    [JsonStringEnumMemberName("max_max")] MaxMax,
    /// <summary>Any two.</summary>
    [JsonStringEnumMemberName("random")] Random,
}
