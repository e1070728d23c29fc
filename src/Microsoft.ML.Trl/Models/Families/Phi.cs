using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>Phi-1, Phi-1.5 and Phi-2: attention and feed-forward beside each other behind one norm, biases everywhere.</summary>
internal static class PhiFamily
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "phi",
        DecoderName = "model",
        BlocksName = "layers",
        CausalArchitecture = "PhiForCausalLM",
        ClassifierArchitecture = "PhiForSequenceClassification",
        AdapterTargets = ["q_proj", "v_proj", "fc1", "fc2"],
        IsRotary = true,
        SharesKeyValueHeads = true,
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    /// <param name="HasHeadNorms">Whether queries and keys have norms.</param>
    private sealed record Settings(bool HasHeadNorms);

    private static ModelConfig Read(JsonFields fields)
    {
        int hidden = fields.Integer("hidden_size", 2048), heads = fields.Integer("num_attention_heads", 32);
        int head = heads > 0 ? hidden / heads : 0;
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 51_200),
            HiddenSize = hidden,
            LayerCount = fields.Integer("num_hidden_layers", 24),
            HeadCount = heads,
            KeyValueHeadCount = fields.OptionalInteger("num_key_value_heads") ?? heads,
            HeadSize = head,
            IntermediateSize = fields.Integer("intermediate_size", 8192),
            ContextLength = fields.Integer("max_position_embeddings", 2048),
            NormEpsilon = fields.Number("layer_norm_eps", 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", false),
            HeadBias = true,
            Activation = fields.Text("hidden_act") ?? "gelu_new",
            EmbeddingDropout = fields.Number("embd_pdrop", 0),
            AttentionDropout = fields.Number("attention_dropout", 0),
            ResidualDropout = fields.Number("resid_pdrop", 0),
            Rope = RopeJson.Read(fields),
            RotaryDimensions = (int)(head * RopeJson.Share(fields, "partial_rotary_factor", 0.5)),
            Own = new Settings(fields.Flag("qk_layernorm", false)),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        json["hidden_size"] = config.HiddenSize;
        json["num_hidden_layers"] = config.LayerCount;
        json["num_attention_heads"] = config.HeadCount;
        json["num_key_value_heads"] = config.KeyValueHeadCount;
        json["intermediate_size"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength;
        json["layer_norm_eps"] = config.NormEpsilon;
        json["hidden_act"] = config.Activation;
        json["embd_pdrop"] = config.EmbeddingDropout;
        json["attention_dropout"] = config.AttentionDropout;
        json["resid_pdrop"] = config.ResidualDropout;
        json["qk_layernorm"] = ((Settings)config.Own!).HasHeadNorms;
        RopeJson.Write(config.Rope!, json);
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("embed_tokens").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        HalvedRotary positions = new(config.Rope!, config.RotaryDimensions!.Value, tokens.Device);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        LayerNormalization norm = new(at.At("final_layernorm"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]);
    }

    private static ParallelBlock ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        (long wide, long narrow) = ((long)config.HeadCount * config.HeadSize, (long)config.KeyValueHeadCount * config.HeadSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs) => at.Linear(name, inputs, outputs, initializer, hasBias: true);
        AttentionShape shape = new(layer, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize));
        SeparateProjections inputs = new(
            Linear("self_attn.q_proj", hidden, wide), Linear("self_attn.k_proj", hidden, narrow),
            Linear("self_attn.v_proj", hidden, narrow));
        LayerNormalization HeadNorm(string name) => new(at.At($"self_attn.{name}"), config.HeadSize, config.NormEpsilon);
        Attention attention = new(
            "self_attn", shape, inputs, Linear("self_attn.dense", wide, hidden), positions,
            ((Settings)config.Own!).HasHeadNorms ? new HeadNorms(HeadNorm("q_layernorm"), HeadNorm("k_layernorm")) : null);
        FeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation),
            Linear("mlp.fc1", hidden, inner), Linear("mlp.fc2", inner, hidden));
        LayerNormalization norm = new(at.At("input_layernorm"), hidden, config.NormEpsilon);
        return new ParallelBlock(norm, attention, null, feedForward);
    }
}
