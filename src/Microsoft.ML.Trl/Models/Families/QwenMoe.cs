using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>
/// Qwen's families with mixtures of experts in all or some blocks: Qwen 2's parts and an expert that every token goes to, or Qwen 3's parts
/// without one.
/// </summary>
internal static class QwenMoeFamily
{
    private static readonly ExpertNames Names = new("mlp", "gate_proj", "up_proj", "down_proj");
    private static readonly ModelFamily Qwen2Definition = Create("qwen2_moe", "Qwen2Moe", ReadQwen2, WriteQwen2, norms: null);
    private static readonly ModelFamily Qwen3Definition = Create("qwen3_moe", "Qwen3Moe", ReadQwen3, WriteQwen3, Qwen3Family.Norms);

    public static IReadOnlyList<ModelFamily> Definitions { get; } = [Qwen2Definition, Qwen3Definition];

    private static ModelFamily Create(
        string modelType, string name, Func<JsonFields, ModelConfig> read, Action<ModelConfig, JsonObject> write,
        Func<ModelConfig, WeightPath, HeadNorms>? norms) => new()
    {
        ModelType = modelType,
        DecoderName = "model",
        BlocksName = "layers",
        CausalArchitecture = name + "ForCausalLM",
        ClassifierArchitecture = name + "ForSequenceClassification",
        IsRotary = true,
        SharesKeyValueHeads = true,
        Read = read,
        Write = write,
        Compose = (config, at) =>
            LlamaFamily.Compose(config, at, norms is null ? null : place => norms(config, place), ExpertLayers.Compose),
    };

    private static ModelConfig ReadQwen2(JsonFields fields)
    {
        ModelConfig config = ReadShared(fields, Qwen2Definition, intermediate: 5632, heads: 16, keyValueHeads: 16);
        return WithWindow(config, fields) with
        {
            AttentionInputBias = fields.Flag("qkv_bias", true),
            Experts = Experts(fields, count: 60, perToken: 4, width: 1408, fields.Integer("shared_expert_intermediate_size", 5632)),
        };
    }

    private static ModelConfig ReadQwen3(JsonFields fields)
    {
        bool bias = fields.Flag("attention_bias", false);
        ModelConfig config = ReadShared(fields, Qwen3Definition, intermediate: 6144, heads: 32, keyValueHeads: 4) with
        {
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            Experts = Experts(fields, count: 128, perToken: 8, width: 768, sharedWidth: null),
        };
        // unlike in the other families, the window is that of all blocks
        return fields.Flag("use_sliding_window", false) ? config with { SlidingWindow = Window(fields) } : config;
    }

    private static ModelConfig ReadShared(JsonFields fields, ModelFamily family, int intermediate, int heads, int keyValueHeads)
    {
        int hidden = fields.Integer("hidden_size", 2048);
        heads = fields.Integer("num_attention_heads", heads);
        int shared = fields.Has("num_key_value_heads") ? heads : keyValueHeads;
        return LlamaFamily.ReadShared(fields, family, 151_936, intermediate, context: 32_768) with
        {
            HiddenSize = hidden,
            LayerCount = fields.Integer("num_hidden_layers", 24),
            HeadCount = heads,
            KeyValueHeadCount = fields.OptionalInteger("num_key_value_heads") ?? shared,
            HeadSize = fields.OptionalInteger("head_dim") ?? (heads > 0 ? hidden / heads : 0),
            FeedForwardBias = false,
        };
    }

    private static ExpertSettings? Experts(JsonFields fields, int count, int perToken, int width, int? sharedWidth)
    {
        count = fields.Integer("num_experts", count);
        return count == 0 ? null : new ExpertSettings
        {
            Names = Names,
            CountKey = "num_experts",
            Count = count,
            PerToken = fields.Integer("num_experts_per_tok", perToken),
            Width = fields.Integer("moe_intermediate_size", width),
            SharedWidth = sharedWidth,
            NormalizesWeights = fields.Flag("norm_topk_prob", false),
            SparseStep = fields.Integer("decoder_sparse_step", 1),
            DenseLayers = fields.Integers("mlp_only_layers"),
        }.WithLoss(fields);
    }

    /// <summary>Every second of the first blocks looks through the window, where the file does not list which do.</summary>
    private static ModelConfig WithWindow(ModelConfig config, JsonFields fields)
    {
        if (!fields.Flag("use_sliding_window", false))
            return config;
        int windowed = fields.Integer("max_window_layers", 28);
        return config with
        {
            SlidingWindow = Window(fields),
            WindowedLayers = fields.LayerTypes() ?? new LayerPattern(config.LayerCount, layer => layer % 2 == 0 && layer < windowed),
        };
    }

    private static int? Window(JsonFields fields) =>
        fields.Has("sliding_window") ? fields.OptionalInteger("sliding_window") : 4096;

    private static void WriteQwen2(ModelConfig config, JsonObject json)
    {
        WriteShared(config, json);
        if (!config.AttentionInputBias)
            json["qkv_bias"] = false;
        if ((long)config.HeadSize * config.HeadCount != config.HiddenSize)
            json["head_dim"] = config.HeadSize;
        if (config.Experts is { } experts)
            json["shared_expert_intermediate_size"] = experts.SharedWidth;
    }

    private static void WriteQwen3(ModelConfig config, JsonObject json)
    {
        WriteShared(config, json);
        json["head_dim"] = config.HeadSize;
        json["attention_bias"] = config.AttentionInputBias;
    }

    private static void WriteShared(ModelConfig config, JsonObject json)
    {
        LlamaFamily.WriteShared(config, json);
        if (config.Experts is not { } experts)
            return;
        experts.WriteShared(json);
        json["moe_intermediate_size"] = experts.Width;
        json["norm_topk_prob"] = experts.NormalizesWeights;
        json["decoder_sparse_step"] = experts.SparseStep;
        json["mlp_only_layers"] = new JsonArray([.. experts.DenseLayers.Select(layer => (JsonNode)layer)]);
    }
}
