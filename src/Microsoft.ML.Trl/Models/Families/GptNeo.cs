using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>GPT-Neo: GPT-2 with a projection for each of queries, keys and values, no scale of scores, windows in some blocks.</summary>
internal static class GptNeoFamily
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "gpt_neo",
        DecoderName = "transformer",
        BlocksName = "h",
        CausalArchitecture = "GPTNeoForCausalLM",
        ClassifierArchitecture = "GPTNeoForSequenceClassification",
        AdapterTargets = ["q_proj", "v_proj"],
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    private static ModelConfig Read(JsonFields fields)
    {
        int hidden = fields.Integer("hidden_size", 2048), heads = fields.Integer("num_heads", 16);
        int layers = fields.Integer("num_layers", 24);
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 50_257),
            HiddenSize = hidden,
            LayerCount = layers,
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = heads > 0 ? hidden / heads : 0,
            IntermediateSize = fields.OptionalInteger("intermediate_size") ?? ModelSize.Saturated(4L * hidden),
            ContextLength = fields.Integer("max_position_embeddings", 2048),
            NormEpsilon = fields.Number("layer_norm_epsilon", 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = fields.Text("activation_function") ?? "gelu_new",
            EmbeddingDropout = fields.Number("embed_dropout", 0),
            AttentionDropout = fields.Number("attention_dropout", 0),
            ResidualDropout = fields.Number("resid_dropout", 0),
            SlidingWindow = fields.Integer("window_size", 256),
            WindowedLayers = Windowed(fields, layers),
        };
    }

    /// <summary>Kinds of blocks with how often they come, such as <c>[[["global", "local"], 12]]</c>; by default in turn.</summary>
    private static IReadOnlyList<bool> Windowed(JsonFields fields, int layers)
    {
        if (fields.Object["attention_types"] is not { } types)
            return new LayerPattern(layers, layer => layer % 2 == 1);
        var windowed = new List<bool>();
        foreach (JsonNode? group in types as JsonArray ?? throw Wrong())
        {
            if (group is not JsonArray { Count: 2 } pair || pair[0] is not JsonArray kinds || pair[1] is not JsonValue times
                || !times.TryGetValue(out int count) || count < 0 || (long)count * kinds.Count > layers)
                throw Wrong();
            for (int i = 0; i < count; i++)
                windowed.AddRange(kinds.Select(kind => kind?.ToString() == "local"));
        }
        return windowed.Count == layers ? windowed : throw Wrong();

        InvalidDataException Wrong() => new(
            $"{fields.Source}: attention_types is {types.ToJsonString()}; allowed is a list of kinds (global, local) with how often they "
            + $"come, {layers} in all.");
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        json["hidden_size"] = config.HiddenSize;
        json["num_layers"] = config.LayerCount;
        json["num_heads"] = config.HeadCount;
        json["intermediate_size"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength;
        json["layer_norm_epsilon"] = config.NormEpsilon;
        json["activation_function"] = config.Activation;
        json["embed_dropout"] = config.EmbeddingDropout;
        json["attention_dropout"] = config.AttentionDropout;
        json["resid_dropout"] = config.ResidualDropout;
        json["window_size"] = config.SlidingWindow;
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("wte").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        LearnedPositions positions = new(at.At("wpe"), config.ContextLength, config.HiddenSize, initializer);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        LayerNormalization norm = new(at.At("ln_f"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]);
    }

    private static SequentialBlock ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs, bool hasBias) => at.Linear(name, inputs, outputs, initializer, hasBias);
        ILinear Input(string name) => Linear($"attn.attention.{name}", hidden, hidden, hasBias: false);
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, Scale: 1, config.WindowOf(layer));
        Attention attention = new(
            "attn.attention", shape, new SeparateProjections(Input("q_proj"), Input("k_proj"), Input("v_proj")),
            Linear("attn.attention.out_proj", hidden, hidden, hasBias: true), positions);
        FeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation), Linear("mlp.c_fc", hidden, inner, hasBias: true),
            Linear("mlp.c_proj", inner, hidden, hasBias: true));
        LayerNormalization Norm(string name) => new(at.At(name), hidden, config.NormEpsilon);
        return new SequentialBlock(Norm("ln_1"), attention, Norm("ln_2"), feedForward);
    }
}
