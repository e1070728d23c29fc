using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Another way to draw the weights of a fresh value head. In JSON the names are TRL's.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VHeadInitStrategy>))]
public enum VHeadInitStrategy
{
    /// <summary>Weights normal with mean 0, bias 0.</summary>
    [JsonStringEnumMemberName("normal")] Normal,
}
