using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Which biases of the model are trained beside its adapters. In JSON the names are PEFT's.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LoraBias>))]
public enum LoraBias
{
    /// <summary>None.</summary>
    [JsonStringEnumMemberName("none")] None,

    /// <summary>All, those of norms included.</summary>
    [JsonStringEnumMemberName("all")] All,

    /// <summary>Those of the linear layers that have an adapter.</summary>
    [JsonStringEnumMemberName("lora_only")] LoraOnly,
}
