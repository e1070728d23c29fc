using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>Qwen 3: LLaMA's parts, with a norm on each head of queries and keys.</summary>
internal static class Qwen3Family
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "qwen3",
        DecoderName = "model",
        BlocksName = "layers",
        CausalArchitecture = "Qwen3ForCausalLM",
        ClassifierArchitecture = "Qwen3ForSequenceClassification",
        AdapterTargets = ["q_proj", "v_proj"],
        IsRotary = true,
        SharesKeyValueHeads = true,
        Read = Read,
        Write = Write,
        Compose = (config, at) => LlamaFamily.Compose(config, at, place => Norms(config, place)),
    };

    /// <summary>Norms of queries and keys below the place of an attention layer.</summary>
    internal static HeadNorms Norms(ModelConfig config, WeightPath at) => new(
        new RmsNormalization(at.At("q_norm"), config.HeadSize, config.NormEpsilon),
        new RmsNormalization(at.At("k_norm"), config.HeadSize, config.NormEpsilon));

    private static ModelConfig Read(JsonFields fields)
    {
        bool bias = fields.Flag("attention_bias", false);
        ModelConfig config = LlamaFamily.ReadShared(fields, Definition, 151_936, intermediate: 22_016, context: 32_768) with
        {
            HeadSize = fields.Integer("head_dim", 128),
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
        };
        return LlamaFamily.WithWindow(config, fields);
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        LlamaFamily.WriteShared(config, json);
        json["head_dim"] = config.HeadSize;
        json["attention_bias"] = config.AttentionInputBias;
    }
}
