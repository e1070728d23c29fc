using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>When beam search gives up looking for better texts: transformers' <c>early_stopping</c>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EarlyStopping>))]
public enum EarlyStopping
{
    /// <summary>When the best running beam, at its length of now, scores no more than the worst finished one: a heuristic.</summary>
    [JsonStringEnumMemberName("false")] False,
    /// <summary>As soon as there are as many finished texts as beams.</summary>
    [JsonStringEnumMemberName("true")] True,
    /// <summary>When no running beam can score more than the worst finished one, however long it grows.</summary>
    [JsonStringEnumMemberName("never")] Never,
}
