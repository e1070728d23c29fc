using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>When a model is evaluated while it is trained.</summary>
/// <remarks>In JSON the names are those of transformers: <c>no</c>, <c>epoch</c>, <c>steps</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<EvalStrategy>))]
public enum EvalStrategy
{
    /// <summary>Never, unless a callback asks for it.</summary>
    [JsonStringEnumMemberName("no")] No,
    /// <summary>At the end of each pass over the data, and after the last step.</summary>
    [JsonStringEnumMemberName("epoch")] Epoch,
    /// <summary>After every so many steps: <see cref="EvaluatedOptions.EvalSteps"/>.</summary>
    [JsonStringEnumMemberName("steps")] Steps,
}
