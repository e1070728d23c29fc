using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>GPT-J: attention and feed-forward beside each other behind one norm, rotary positions on a part of each head.</summary>
internal static class GptJFamily
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "gptj",
        DecoderName = "transformer",
        BlocksName = "h",
        CausalArchitecture = "GPTJForCausalLM",
        ClassifierArchitecture = "GPTJForSequenceClassification",
        AdapterTargets = ["q_proj", "v_proj"],
        IsRotary = true,
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    private static ModelConfig Read(JsonFields fields)
    {
        int hidden = fields.Integer("n_embd", 4096), heads = fields.Integer("n_head", 16);
        int head = heads > 0 ? hidden / heads : 0;
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 50_400),
            HiddenSize = hidden,
            LayerCount = fields.Integer("n_layer", 28),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = head,
            IntermediateSize = fields.OptionalInteger("n_inner") ?? ModelSize.Saturated(4L * hidden),
            ContextLength = fields.Integer("n_positions", 2048),
            NormEpsilon = fields.Number("layer_norm_epsilon", 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", false),
            HeadBias = true,
            Activation = fields.Text("activation_function") ?? "gelu_new",
            EmbeddingDropout = fields.Number("embd_pdrop", 0),
            AttentionDropout = fields.Number("attn_pdrop", 0),
            ResidualDropout = fields.Number("resid_pdrop", 0),
            Rope = new RopeSettings(),
            RotaryDimensions = fields.Has("rotary_dim") ? fields.OptionalInteger("rotary_dim") : 64,
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        json["n_embd"] = config.HiddenSize;
        json["n_layer"] = config.LayerCount;
        json["n_head"] = config.HeadCount;
        json["n_positions"] = config.ContextLength;
        json["n_inner"] = config.IntermediateSize == 4L * config.HiddenSize ? null : config.IntermediateSize;
        json["rotary_dim"] = config.RotaryDimensions;
        json["layer_norm_epsilon"] = config.NormEpsilon;
        json["activation_function"] = config.Activation;
        json["embd_pdrop"] = config.EmbeddingDropout;
        json["attn_pdrop"] = config.AttentionDropout;
        json["resid_pdrop"] = config.ResidualDropout;
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("wte").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        PairedRotary positions = new(config.Rope!, config.RotaryDimensions ?? config.HeadSize, tokens.Device);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        LayerNormalization norm = new(at.At("ln_f"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]);
    }

    private static ParallelBlock ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs, bool hasBias) => at.Linear(name, inputs, outputs, initializer, hasBias);
        ILinear Input(string name) => Linear("attn." + name, hidden, hidden, hasBias: false);
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize));
        Attention attention = new(
            "attn", shape, new SeparateProjections(Input("q_proj"), Input("k_proj"), Input("v_proj")), Input("out_proj"), positions);
        FeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation), Linear("mlp.fc_in", hidden, inner, hasBias: true),
            Linear("mlp.fc_out", inner, hidden, hasBias: true));
        return new ParallelBlock(new LayerNormalization(at.At("ln_1"), hidden, config.NormEpsilon), attention, null, feedForward);
    }
}
