using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>BLOOM: ALiBi in place of positions, a norm behind the embedding, queries, keys and values of a head side by side.</summary>
internal static class BloomFamily
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "bloom",
        DecoderName = "transformer",
        BlocksName = "h",
        CausalArchitecture = "BloomForCausalLM",
        ClassifierArchitecture = "BloomForSequenceClassification",
        AdapterTargets = ["query_key_value"],
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    /// <param name="TakesResidualBehindNorms">Whether what is added to attention and feed-forward is what they read.</param>
    private sealed record Settings(bool TakesResidualBehindNorms);

    private static ModelConfig Read(JsonFields fields)
    {
        int hidden = fields.OptionalInteger("hidden_size") ?? fields.Integer("n_embed", 64);
        int heads = fields.OptionalInteger("n_head") ?? fields.Integer("num_attention_heads", 8);
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 250_880),
            HiddenSize = hidden,
            LayerCount = fields.OptionalInteger("n_layer") ?? fields.Integer("num_hidden_layers", 2),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = heads > 0 ? hidden / heads : 0,
            IntermediateSize = ModelSize.Saturated(4L * hidden),
            ContextLength = fields.Integer("seq_length", 2048), // of its training; ALiBi itself knows no limit
            NormEpsilon = fields.Number("layer_norm_epsilon", 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = "gelu_new",
            AttentionInputBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            AttentionDropout = fields.Number("attention_dropout", 0),
            ResidualDropout = fields.Number("hidden_dropout", 0),
            Own = new Settings(fields.Flag("apply_residual_connection_post_layernorm", false)),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        json["hidden_size"] = config.HiddenSize;
        json["n_layer"] = config.LayerCount;
        json["n_head"] = config.HeadCount;
        json["layer_norm_epsilon"] = config.NormEpsilon;
        json["attention_dropout"] = config.AttentionDropout;
        json["hidden_dropout"] = config.ResidualDropout;
        json["apply_residual_connection_post_layernorm"] = ((Settings)config.Own!).TakesResidualBehindNorms;
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("word_embeddings").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        LayerNormalization Norm(string name) => new(at.At(name), config.HiddenSize, config.NormEpsilon);
        LayerNormalization entry = Norm("word_embeddings_layernorm");
        AlibiPositions positions = new(config.HeadCount, tokens.Device);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        return new Decoder(config, tokens, positions, blocks, [Norm("ln_f")], [entry]);
    }

    private static Block ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs) => at.Linear(name, inputs, outputs, initializer, hasBias: true);
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize));
        Attention attention = new(
            "self_attention", shape, new InterleavedProjection(Linear("self_attention.query_key_value", hidden, 3 * hidden), shape),
            Linear("self_attention.dense", hidden, hidden), positions);
        FeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation),
            Linear("mlp.dense_h_to_4h", hidden, inner), Linear("mlp.dense_4h_to_h", inner, hidden));
        LayerNormalization Norm(string name) => new(at.At(name), hidden, config.NormEpsilon);
        (LayerNormalization first, LayerNormalization second) = (Norm("input_layernorm"), Norm("post_attention_layernorm"));
        return ((Settings)config.Own!).TakesResidualBehindNorms
            ? new NormedResidualBlock(first, attention, second, feedForward)
            : new SequentialBlock(first, attention, second, feedForward);
    }
}
