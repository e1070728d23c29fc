using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// Gemma: LLaMA's parts with wide heads, norms whose weights count from 1 and a scaled embedding. Gemma 2 has a norm behind each part too,
/// soft caps, and a window in every second block.
/// </summary>
internal static class GemmaFamily
{
    private static readonly ModelFamily GemmaDefinition = Create("gemma", "Gemma", ReadGemma, WriteShared, new Layout(false, false));
    private static readonly ModelFamily Gemma2Definition = Create("gemma2", "Gemma2", ReadGemma2, WriteGemma2, new Layout(true, false));

    public static IReadOnlyList<ModelFamily> Definitions { get; } = [GemmaDefinition, Gemma2Definition];

    /// <param name="ScoreScalar">Scores are divided by its root.</param>
    /// <param name="WindowedRope">Rotary positions of blocks with a window; null = those of the others.</param>
    internal sealed record Settings(double ScoreScalar, RopeSettings? WindowedRope = null);

    /// <param name="HasNormsBehind">Whether norms also stand behind attention and feed-forward.</param>
    /// <param name="HasHeadNorms">Whether queries and keys have norms.</param>
    internal sealed record Layout(bool HasNormsBehind, bool HasHeadNorms);

    internal static ModelFamily Create(
        string modelType, string name, Func<JsonFields, ModelConfig> read, Action<ModelConfig, JsonObject> write, Layout layout) => new()
    {
        ModelType = modelType,
        DecoderName = "model",
        BlocksName = "layers",
        CausalArchitecture = name + "ForCausalLM",
        ClassifierArchitecture = name + "ForSequenceClassification",
        AdapterTargets = ["q_proj", "v_proj"],
        IsRotary = true,
        SharesKeyValueHeads = true,
        Read = read,
        Write = write,
        Compose = (config, at) => Compose(config, at, layout),
    };

    private static ModelConfig ReadGemma(JsonFields fields)
    {
        ModelConfig config = ReadShared(fields, GemmaDefinition, intermediate: 24_576) with
        {
            HiddenSize = fields.Integer("hidden_size", 3072),
            LayerCount = fields.Integer("num_hidden_layers", 28),
            HeadCount = fields.Integer("num_attention_heads", 16),
            KeyValueHeadCount = fields.Integer("num_key_value_heads", 16),
        };
        return config with { Own = new Settings(config.HeadSize) };
    }

    private static ModelConfig ReadGemma2(JsonFields fields)
    {
        int layers = fields.Integer("num_hidden_layers", 26);
        return ReadShared(fields, Gemma2Definition, intermediate: 9216) with
        {
            HiddenSize = fields.Integer("hidden_size", 2304),
            LayerCount = layers,
            HeadCount = fields.Integer("num_attention_heads", 8),
            KeyValueHeadCount = fields.Integer("num_key_value_heads", 4),
            SlidingWindow = fields.Has("sliding_window") ? fields.OptionalInteger("sliding_window") : 4096,
            WindowedLayers = fields.LayerTypes() ?? new LayerPattern(layers, layer => layer % 2 == 0),
            AttentionSoftCap = fields.Has("attn_logit_softcapping") ? fields.OptionalNumber("attn_logit_softcapping") : 50,
            LogitSoftCap = fields.Has("final_logit_softcapping") ? fields.OptionalNumber("final_logit_softcapping") : 30,
            Own = new Settings(ScoreScalar(fields)),
        };
    }

    internal static double ScoreScalar(JsonFields fields) =>
        fields.Number("query_pre_attn_scalar", 256) is > 0 and double scalar ? scalar : throw new InvalidDataException(
            $"{fields.Source}: query_pre_attn_scalar is {fields.Object["query_pre_attn_scalar"]}; it must be a finite number above 0.");

    internal static ModelConfig ReadShared(JsonFields fields, ModelFamily family, int intermediate)
    {
        bool bias = fields.Flag("attention_bias", false);
        return LlamaFamily.ReadShared(fields, family, 256_000, intermediate, context: 8192) with
        {
            HeadSize = fields.Integer("head_dim", 256),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = fields.Text("hidden_activation") ?? "gelu_pytorch_tanh", // hidden_act says gelu in some files, and is not used
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
        };
    }

    internal static void WriteShared(ModelConfig config, JsonObject json)
    {
        LlamaFamily.WriteShared(config, json);
        json["head_dim"] = config.HeadSize;
        json["attention_bias"] = config.AttentionInputBias;
        json["hidden_activation"] = config.Activation;
    }

    internal static void WriteGemma2(ModelConfig config, JsonObject json)
    {
        WriteShared(config, json);
        json.Remove("hidden_act");
        json["sliding_window"] = config.SlidingWindow;
        json["attn_logit_softcapping"] = config.AttentionSoftCap;
        json["final_logit_softcapping"] = config.LogitSoftCap;
        json["query_pre_attn_scalar"] = ((Settings)config.Own!).ScoreScalar;
    }

    private static Decoder Compose(ModelConfig config, WeightPath at, Layout layout)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens =
            at.At("embed_tokens").Embedding(config.VocabularySize, config.HiddenSize, initializer, Math.Sqrt(config.HiddenSize));
        HalvedRotary whole = new(config.Rope!, config.HeadSize, tokens.Device), windowed = whole;
        Positions positions = whole;
        if (((Settings)config.Own!).WindowedRope is { } rope)
            positions = new LayeredRotary(whole, windowed = new HalvedRotary(rope, config.HeadSize, tokens.Device));
        Block[] blocks = at.Blocks(config, (place, layer) =>
            ComposeBlock(config, place, layer, IsWindowed(config, layer) ? windowed : whole, layout));
        ShiftedRmsNormalization norm = new(at.At("norm"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]);
    }

    private static bool IsWindowed(ModelConfig config, int layer) =>
        config.WindowedLayers.Count == 0 ? config.SlidingWindow is not null : config.WindowedLayers[layer];

    private static SequentialBlock ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions, Layout layout)
    {
        (long hidden, long inner, long head) = (config.HiddenSize, config.IntermediateSize, config.HeadSize);
        (long wide, long narrow) = (config.HeadCount * head, config.KeyValueHeadCount * head);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs, bool hasBias = false) =>
            at.Linear(name, inputs, outputs, initializer, hasBias);
        ILinear Input(string name, long width) => Linear("self_attn." + name, hidden, width, config.AttentionInputBias);
        AttentionShape shape = new(
            layer, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, 1 / Math.Sqrt(((Settings)config.Own!).ScoreScalar),
            config.WindowOf(layer), config.AttentionSoftCap);
        Attention attention = new(
            "self_attn", shape, new SeparateProjections(Input("q_proj", wide), Input("k_proj", narrow), Input("v_proj", narrow)),
            Linear("self_attn.o_proj", wide, hidden, config.AttentionOutputBias), positions,
            layout.HasHeadNorms ? new HeadNorms(HeadNorm("q_norm"), HeadNorm("k_norm")) : null);
        GatedFeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation), Linear("mlp.gate_proj", hidden, inner), Linear("mlp.up_proj", hidden, inner),
            Linear("mlp.down_proj", inner, hidden));
        ShiftedRmsNormalization Norm(string name) => new(at.At(name), hidden, config.NormEpsilon);
        ShiftedRmsNormalization HeadNorm(string name) => new(at.At($"self_attn.{name}"), head, config.NormEpsilon);
        return layout.HasNormsBehind
            ? new SequentialBlock(
                Norm("input_layernorm"), attention, Norm("pre_feedforward_layernorm"), feedForward,
                Norm("post_attention_layernorm"), Norm("post_feedforward_layernorm"))
            : new SequentialBlock(Norm("input_layernorm"), attention, Norm("post_attention_layernorm"), feedForward);
    }
}
