using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>The file <c>generation_config.json</c>.</summary>
internal static class GenerationConfig
{
    public const string FileName = "generation_config.json";

    /// <summary>
    /// The configuration with the end tokens of <c>generation_config.json</c>, where that file names some: chat models end a turn with
    /// tokens that their <c>config.json</c> does not know.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// The file is there, but is no JSON object or names end tokens that are no tokens of the vocabulary.
    /// </exception>
    public static ModelConfig Complete(ModelConfig config, string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return config;
        IReadOnlyList<int> ends = JsonFields.Parse(BoundedText.ReadFile(path, BoundedText.Small), path).Integers("eos_token_id");
        return ends.Count == 0 ? config : (config with { EosTokenIds = ends }).Validated(path);
    }

    /// <summary>The special tokens of a model, as transformers needs them to generate.</summary>
    public static string Write(ModelConfig config)
    {
        JsonObject json = [];
        if (config.BosTokenId is { } bos)
            json["bos_token_id"] = bos;
        if (ModelConfigJson.EndTokens(config) is { } ends)
            json["eos_token_id"] = ends;
        if (config.PadTokenId is { } pad)
            json["pad_token_id"] = pad;
        if (config.DecoderStartTokenId is { } start)
            json["decoder_start_token_id"] = start;
        return json.ToJsonString(ModelConfigJson.Indented) + "\n";
    }
}
