using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>Writes <c>config.json</c>: what was read, with the known fields written over it.</summary>
internal static class ModelConfigWriter
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <param name="config">What to write.</param>
    /// <param name="extra">Fields set last: <c>architectures</c>, the type of the weights, labels.</param>
    public static string Write(ModelConfig config, IReadOnlyDictionary<string, JsonNode> extra)
    {
        JsonObject json = config.Source is null ? [] : (JsonObject)JsonNode.Parse(config.Source)!;
        json["model_type"] = config.ModelType;
        json["vocab_size"] = config.VocabularySize;
        json["tie_word_embeddings"] = config.TieWordEmbeddings;
        json["initializer_range"] = config.InitializerRange;
        if (config.ModelType == "gpt2")
            WriteGpt2(config, json);
        else
            WriteLlama(config, json);
        WriteTokens(config, json);
        foreach ((string key, JsonNode value) in extra)
            json[key] = value.DeepClone();
        return json.ToJsonString(Indented) + "\n";
    }

    private static void WriteGpt2(ModelConfig config, JsonObject json)
    {
        json["n_embd"] = config.HiddenSize;
        json["n_layer"] = config.LayerCount;
        json["n_head"] = config.HeadCount;
        json["n_positions"] = config.ContextLength;
        json["n_inner"] = config.IntermediateSize == 4 * config.HiddenSize ? null : config.IntermediateSize;
        json["layer_norm_epsilon"] = config.NormEpsilon;
        json["activation_function"] = config.Activation;
        json["embd_pdrop"] = config.EmbeddingDropout;
        json["attn_pdrop"] = config.AttentionDropout;
        json["resid_pdrop"] = config.ResidualDropout;
        json["scale_attn_weights"] = config.ScaleAttention;
        json["scale_attn_by_inverse_layer_idx"] = config.ScaleAttentionByLayer;
    }

    private static void WriteLlama(ModelConfig config, JsonObject json)
    {
        json["hidden_size"] = config.HiddenSize;
        json["num_hidden_layers"] = config.LayerCount;
        json["num_attention_heads"] = config.HeadCount;
        json["num_key_value_heads"] = config.KeyValueHeadCount;
        json["intermediate_size"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength;
        json["rms_norm_eps"] = config.NormEpsilon;
        json["hidden_act"] = config.Activation;
        json["attention_dropout"] = config.AttentionDropout;
        if (config.HeadSize * config.HeadCount != config.HiddenSize || config.ModelType != "qwen2")
            json["head_dim"] = config.HeadSize;
        if (config.ModelType == "llama")
        {
            json["attention_bias"] = config.AttentionInputBias;
            json["mlp_bias"] = config.FeedForwardBias;
        }
        if (config.ModelType == "mistral")
            json["sliding_window"] = config.SlidingWindow;
        WriteRope(config.Rope!, json);
    }

    private static void WriteRope(RopeSettings rope, JsonObject json)
    {
        JsonObject? settings = rope.Type == "default" ? null : new JsonObject { ["rope_type"] = rope.Type, ["factor"] = rope.Factor };
        if (rope.Type == "llama3")
        {
            settings!["low_freq_factor"] = rope.LowFrequencyFactor;
            settings["high_freq_factor"] = rope.HighFrequencyFactor;
            settings["original_max_position_embeddings"] = rope.OriginalContextLength;
        }
        if (json.ContainsKey("rope_parameters"))
        {
            settings ??= new JsonObject { ["rope_type"] = rope.Type };
            settings["rope_theta"] = rope.Theta;
            json["rope_parameters"] = settings;
        }
        else
        {
            json["rope_theta"] = rope.Theta;
            json["rope_scaling"] = settings;
        }
    }

    private static void WriteTokens(ModelConfig config, JsonObject json)
    {
        json["bos_token_id"] = config.BosTokenId;
        json["pad_token_id"] = config.PadTokenId;
        json["eos_token_id"] = config.EosTokenIds.Count switch
        {
            0 => null,
            1 => config.EosTokenIds[0],
            _ => new JsonArray([.. config.EosTokenIds.Select(id => (JsonNode)id)]),
        };
    }
}
