using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>Phi-3 and Phi-3.5 mini: LLaMA's parts, with queries, keys and values in one layer, gate and input in another.</summary>
internal static class Phi3Family
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "phi3",
        DecoderName = "model",
        BlocksName = "layers",
        CausalArchitecture = "Phi3ForCausalLM",
        ClassifierArchitecture = "Phi3ForSequenceClassification",
        IsRotary = true,
        SharesKeyValueHeads = true,
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    private static ModelConfig Read(JsonFields fields)
    {
        ModelConfig config = LlamaFamily.ReadShared(fields, Definition, 32_064, intermediate: 8192, context: 4096);
        return config with
        {
            HiddenSize = fields.Integer("hidden_size", 3072),
            HeadSize = config.HeadCount > 0 ? fields.Integer("hidden_size", 3072) / config.HeadCount : 0,
            NormEpsilon = fields.Number("rms_norm_eps", 1e-5),
            EmbeddingDropout = fields.Number("embd_pdrop", 0),
            ResidualDropout = fields.Number("resid_pdrop", 0),
            SlidingWindow = fields.OptionalInteger("sliding_window"),
            RotaryDimensions = config.HeadCount > 0
                ? (int)(fields.Integer("hidden_size", 3072) / config.HeadCount * RopeJson.Share(fields, "partial_rotary_factor", 1))
                : null,
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        LlamaFamily.WriteShared(config, json);
        json["embd_pdrop"] = config.EmbeddingDropout;
        json["resid_pdrop"] = config.ResidualDropout;
        json["sliding_window"] = config.SlidingWindow;
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("embed_tokens").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        HalvedRotary positions = new(config.Rope!, config.RotaryDimensions ?? config.HeadSize, tokens.Device);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        RmsNormalization norm = new(at.At("norm"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]);
    }

    private static SequentialBlock ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner, long head) = (config.HiddenSize, config.IntermediateSize, config.HeadSize);
        (long wide, long narrow) = (config.HeadCount * head, config.KeyValueHeadCount * head);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs) => at.Linear(name, inputs, outputs, initializer, hasBias: false);
        AttentionShape shape = new(
            layer, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize), config.WindowOf(layer));
        ILinear output = Linear("self_attn.o_proj", wide, hidden), packed = Linear("self_attn.qkv_proj", hidden, wide + (2 * narrow));
        Attention attention = new("self_attn", shape, new PackedProjection(packed, wide, narrow), output, positions);
        PackedGatedFeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation),
            Linear("mlp.gate_up_proj", hidden, 2 * inner), Linear("mlp.down_proj", inner, hidden));
        RmsNormalization Norm(string name) => new(at.At(name), hidden, config.NormEpsilon);
        return new SequentialBlock(Norm("input_layernorm"), attention, Norm("post_attention_layernorm"), feedForward);
    }
}
