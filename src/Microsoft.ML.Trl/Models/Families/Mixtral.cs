using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>Mixtral: Mistral's parts with a mixture of experts in every block: arXiv:2401.04088.</summary>
internal static class MixtralFamily
{
    private static readonly ExpertNames Names = new("block_sparse_moe", "w1", "w3", "w2");

    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "mixtral",
        DecoderName = "model",
        BlocksName = "layers",
        CausalArchitecture = "MixtralForCausalLM",
        ClassifierArchitecture = "MixtralForSequenceClassification",
        AdapterTargets = ["q_proj", "v_proj"],
        IsRotary = true,
        SharesKeyValueHeads = true,
        Read = Read,
        Write = Write,
        Compose = (config, at) => LlamaFamily.Compose(config, at, norms: null, ExpertLayers.Compose),
    };

    private static ModelConfig Read(JsonFields fields)
    {
        if (fields.Number("router_jitter_noise", 0) != 0)
            throw new NotSupportedException($"{fields.Source}: noise in the router (router_jitter_noise) is not supported; set it to 0.");
        ModelConfig config = LlamaFamily.ReadShared(fields, Definition, 32_000, intermediate: 14_336, context: 131_072, theta: 1e6);
        return config with
        {
            KeyValueHeadCount = fields.Has("num_key_value_heads") ? config.KeyValueHeadCount : 8,
            NormEpsilon = fields.Number("rms_norm_eps", 1e-5),
            FeedForwardBias = false,
            SlidingWindow = fields.OptionalInteger("sliding_window"),
            Experts = new ExpertSettings
            {
                Names = Names,
                CountKey = "num_local_experts",
                Count = fields.Integer("num_local_experts", 8),
                PerToken = fields.Integer("num_experts_per_tok", 2),
                Width = config.IntermediateSize,
                NormalizesWeights = true,
            }.WithLoss(fields),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        LlamaFamily.WriteShared(config, json);
        json["head_dim"] = config.HeadSize;
        json["sliding_window"] = config.SlidingWindow;
        config.Experts!.WriteShared(json);
    }
}
