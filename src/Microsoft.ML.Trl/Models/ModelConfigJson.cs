using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>The fields of <c>config.json</c> that all families have; their own are left to them.</summary>
internal static class ModelConfigJson
{
    public static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Reads a configuration; what is absent gets the default of the transformers library.</summary>
    public static ModelConfig Read(JsonFields fields, ModelFamily family)
    {
        ModelConfig config = family.Read(fields);
        return (config with
        {
            InitializerRange = fields.Number(family.Initializer.Key, family.Initializer.Default),
            BosTokenId = fields.OptionalInteger("bos_token_id"),
            PadTokenId = !fields.Has("pad_token_id") ? config.PadTokenId
                : fields.OptionalInteger("pad_token_id") is >= 0 and int pad ? pad : null, // some LLaMA files write -1 for none
            EosTokenIds = fields.Has("eos_token_id") ? fields.Integers("eos_token_id") : config.EosTokenIds,
            Labels = ReadLabels(fields),
            Source = fields.Object.ToJsonString(),
        }).Validated(fields.Source);
    }

    /// <summary>The names of labels in the order of their numbers; empty where the file has none.</summary>
    private static string[] ReadLabels(JsonFields fields)
    {
        if (fields.Nested("id2label") is not { } names)
            return [];
        string[] labels = new string[names.Object.Count];
        foreach ((string key, JsonNode? name) in names.Object)
            if (int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id < labels.Length && labels[id] is null
                && name?.GetValueKind() == JsonValueKind.String)
                labels[id] = name.GetValue<string>();
            else
                throw new InvalidDataException(
                    $"{fields.Source}: id2label has the entry \"{key}\": {name?.ToJsonString() ?? "null"}; "
                    + $"allowed are the numbers 0 to {labels.Length - 1}, each with a text.");
        return labels;
    }

    /// <summary>Writes what was read, with the known fields written over it.</summary>
    /// <param name="config">What to write.</param>
    /// <param name="extra">Fields set last: <c>architectures</c>, the type of the weights.</param>
    public static string Write(ModelConfig config, IEnumerable<KeyValuePair<string, JsonNode>> extra)
    {
        JsonObject json = config.Source is null ? [] : (JsonObject)JsonNode.Parse(config.Source)!;
        json["model_type"] = config.ModelType;
        json["vocab_size"] = config.VocabularySize;
        json["tie_word_embeddings"] = config.TieWordEmbeddings;
        json[config.Family.Initializer.Key] = config.InitializerRange;
        config.Family.Write(config, json);
        json["bos_token_id"] = config.BosTokenId;
        if (config.PadTokenId is not null || !IsNegative(json["pad_token_id"]))
            json["pad_token_id"] = config.PadTokenId;
        json["eos_token_id"] = EndTokens(config);
        if (config.Labels.Count > 0)
        {
            json["id2label"] = Object(config.Labels.Select((label, id) => (id.ToString(CultureInfo.InvariantCulture), (JsonNode)label)));
            json["label2id"] = Object(config.Labels.Select((label, id) => (label, (JsonNode)id)));
        }
        foreach ((string key, JsonNode value) in extra)
            json[key] = value.DeepClone();
        return json.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Object(IEnumerable<(string Key, JsonNode Value)> fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Key, (JsonNode?)field.Value)));

    private static bool IsNegative(JsonNode? number) => number is JsonValue value && value.TryGetValue(out double given) && given < 0;

    /// <summary>One number or a list of them; null when there are none.</summary>
    public static JsonNode? EndTokens(ModelConfig config) => config.EosTokenIds.Count switch
    {
        0 => null,
        1 => config.EosTokenIds[0],
        _ => new JsonArray([.. config.EosTokenIds.Select(id => (JsonNode)id)]),
    };
}
