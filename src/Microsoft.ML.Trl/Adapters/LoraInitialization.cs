using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>How the matrices of a fresh adapter are drawn: PEFT's <c>init_lora_weights</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LoraInitialization>))]
public enum LoraInitialization
{
    /// <summary>A uniform within 1/√inputs, B zero: the adapter begins as nothing. PEFT's <c>true</c>.</summary>
    [JsonStringEnumMemberName("true")] Default,

    /// <summary>A normal with deviation 1/r, B zero.</summary>
    [JsonStringEnumMemberName("gaussian")] Gaussian,

    /// <summary>Both uniform, A within 1/√inputs and B within 1/√r, so that the adapter begins as something. PEFT's <c>false</c>.</summary>
    [JsonStringEnumMemberName("false")] Random,

    /// <summary>
    /// The strongest directions of the weight: arXiv:2404.02948. The base stays as it is; what the adapter begins with is subtracted, and
    /// so it is saved as an adapter of twice the rank, as PEFT converts it.
    /// </summary>
    [JsonStringEnumMemberName("pissa")] Pissa,
}
