using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>The file <c>generation_config.json</c>.</summary>
internal static class GenerationConfig
{
    public const string FileName = "generation_config.json";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The special tokens of a model, as transformers needs them to generate.</summary>
    public static string Write(ModelConfig config)
    {
        JsonObject json = [];
        if (config.BosTokenId is { } bos)
            json["bos_token_id"] = bos;
        if (config.EosTokenIds.Count > 0)
            json["eos_token_id"] = config.EosTokenIds.Count == 1 ? config.EosTokenIds[0] : new JsonArray([.. config.EosTokenIds.Select(id => (JsonNode)id)]);
        if (config.PadTokenId is { } pad)
            json["pad_token_id"] = pad;
        return json.ToJsonString(Indented) + "\n";
    }
}
