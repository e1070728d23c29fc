using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>GPT-NeoX and Pythia: attention and feed-forward side by side, each behind a norm; a part of each head is turned.</summary>
internal static class GptNeoXFamily
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "gpt_neox",
        DecoderName = "gpt_neox",
        BlocksName = "layers",
        HeadName = "embed_out",
        CausalArchitecture = "GPTNeoXForCausalLM",
        ClassifierArchitecture = "GPTNeoXForSequenceClassification",
        AdapterTargets = ["query_key_value"],
        IsRotary = true,
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    /// <param name="IsParallel">Whether attention and feed-forward read the same residual stream.</param>
    private sealed record Settings(bool IsParallel);

    private static ModelConfig Read(JsonFields fields)
    {
        int hidden = fields.Integer("hidden_size", 6144), heads = fields.Integer("num_attention_heads", 64);
        int head = heads > 0 ? hidden / heads : 0;
        bool bias = fields.Flag("attention_bias", true);
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 50_432),
            HiddenSize = hidden,
            LayerCount = fields.Integer("num_hidden_layers", 44),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = head,
            IntermediateSize = fields.Integer("intermediate_size", 24_576),
            ContextLength = fields.Integer("max_position_embeddings", 2048),
            NormEpsilon = fields.Number("layer_norm_eps", 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", false),
            Activation = fields.Text("hidden_act") ?? "gelu",
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            EmbeddingDropout = fields.Number("hidden_dropout", 0),
            AttentionDropout = fields.Number("attention_dropout", 0),
            ResidualDropout = fields.Number("hidden_dropout", 0),
            Rope = RopeJson.Read(fields, "rotary_emb_base"),
            RotaryDimensions = (int)(head * RopeJson.Share(fields, "rotary_pct", 0.25)),
            Own = new Settings(fields.Flag("use_parallel_residual", true)),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        json["hidden_size"] = config.HiddenSize;
        json["num_hidden_layers"] = config.LayerCount;
        json["num_attention_heads"] = config.HeadCount;
        json["intermediate_size"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength;
        json["layer_norm_eps"] = config.NormEpsilon;
        json["hidden_act"] = config.Activation;
        json["attention_bias"] = config.AttentionInputBias;
        json["hidden_dropout"] = config.ResidualDropout;
        json["attention_dropout"] = config.AttentionDropout;
        json["use_parallel_residual"] = ((Settings)config.Own!).IsParallel;
        RopeJson.Write(config.Rope!, json, "rotary_emb_base");
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("embed_in").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        HalvedRotary positions = new(config.Rope!, config.RotaryDimensions!.Value, tokens.Device);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        LayerNormalization norm = new(at.At("final_layer_norm"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]);
    }

    private static Block ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs, bool hasBias) => at.Linear(name, inputs, outputs, initializer, hasBias);
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize));
        Attention attention = new(
            "attention", shape,
            new InterleavedProjection(Linear("attention.query_key_value", hidden, 3 * hidden, config.AttentionInputBias), shape),
            Linear("attention.dense", hidden, hidden, config.AttentionOutputBias), positions);
        FeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation), Linear("mlp.dense_h_to_4h", hidden, inner, hasBias: true),
            Linear("mlp.dense_4h_to_h", inner, hidden, hasBias: true));
        LayerNormalization Norm(string name) => new(at.At(name), hidden, config.NormEpsilon);
        (LayerNormalization first, LayerNormalization second) = (Norm("input_layernorm"), Norm("post_attention_layernorm"));
        return ((Settings)config.Own!).IsParallel
            ? new ParallelBlock(first, attention, second, feedForward)
            : new SequentialBlock(first, attention, second, feedForward);
    }
}
