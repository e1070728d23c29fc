using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>Falcon: rotary positions or ALiBi, keys and values for all heads or groups of them, parallel or sequential blocks.</summary>
internal static class FalconFamily
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "falcon",
        DecoderName = "transformer",
        BlocksName = "h",
        CausalArchitecture = "FalconForCausalLM",
        ClassifierArchitecture = "FalconForSequenceClassification",
        AdapterTargets = ["query_key_value"],
        IsRotary = null,
        SharesKeyValueHeads = true,
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    /// <param name="HasAlibi">ALiBi in place of rotary positions.</param>
    /// <param name="IsGrouped">The "new decoder architecture": heads in groups, each with a key and a value.</param>
    /// <param name="IsMultiQuery">One key and one value for all heads; where heads are not in groups.</param>
    /// <param name="IsParallel">Attention and feed-forward beside each other.</param>
    /// <param name="NormsInParallel">1 or 2, where they are.</param>
    private sealed record Settings(bool HasAlibi, bool IsGrouped, bool IsMultiQuery, bool IsParallel, int NormsInParallel);

    private static ModelConfig Read(JsonFields fields)
    {
        int hidden = fields.Integer("hidden_size", 4544);
        int heads = fields.OptionalInteger("num_attention_heads") ?? fields.Integer("n_head", 71);
        bool grouped = fields.Flag("new_decoder_architecture", false), multiQuery = fields.Flag("multi_query", true);
        bool alibi = fields.Flag("alibi", false), bias = fields.Flag("bias", false);
        int keyHeads = grouped ? fields.OptionalInteger("num_kv_heads") ?? fields.OptionalInteger("n_head_kv") ?? heads
            : multiQuery ? 1
            : heads;
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 65_024),
            HiddenSize = hidden,
            LayerCount = fields.OptionalInteger("num_hidden_layers") ?? fields.Integer("n_layer", 32),
            HeadCount = heads,
            KeyValueHeadCount = keyHeads,
            HeadSize = heads > 0 ? hidden / heads : 0,
            IntermediateSize = fields.OptionalInteger("ffn_hidden_size") ?? ModelSize.Saturated(4L * hidden),
            ContextLength = fields.Integer("max_position_embeddings", 2048),
            NormEpsilon = fields.Number("layer_norm_epsilon", 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = fields.Text("activation") ?? "gelu",
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            FeedForwardBias = bias,
            AttentionDropout = fields.Number("attention_dropout", 0),
            ResidualDropout = fields.Number("hidden_dropout", 0),
            Rope = alibi ? null : RopeJson.Read(fields),
            Own = new Settings(
                alibi, grouped, multiQuery, grouped || fields.Flag("parallel_attn", true),
                grouped ? fields.OptionalInteger("num_ln_in_parallel_attn") ?? 2 : 1),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        var settings = (Settings)config.Own!;
        json["hidden_size"] = config.HiddenSize;
        json["num_hidden_layers"] = config.LayerCount;
        json["num_attention_heads"] = config.HeadCount;
        json["num_kv_heads"] = settings.IsGrouped ? config.KeyValueHeadCount : config.HeadCount;
        json["ffn_hidden_size"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength;
        json["layer_norm_epsilon"] = config.NormEpsilon;
        json["activation"] = config.Activation;
        json["bias"] = config.FeedForwardBias;
        json["attention_dropout"] = config.AttentionDropout;
        json["hidden_dropout"] = config.ResidualDropout;
        json["alibi"] = settings.HasAlibi;
        json["new_decoder_architecture"] = settings.IsGrouped;
        json["multi_query"] = settings.IsMultiQuery;
        json["parallel_attn"] = settings.IsParallel;
        if (config.Rope is { } rope)
            RopeJson.Write(rope, json);
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("word_embeddings").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        Positions positions = config.Rope is { } rope
            ? new HalvedRotary(rope, config.HeadSize, tokens.Device)
            : new AlibiPositions(config.HeadCount, tokens.Device, 1 / Math.Sqrt(config.HeadSize), rounded: true);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        LayerNormalization norm = new(at.At("ln_f"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]);
    }

    private static Block ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        var settings = (Settings)config.Own!;
        (long hidden, long inner, long head) = (config.HiddenSize, config.IntermediateSize, config.HeadSize);
        (long wide, long narrow) = (config.HeadCount * head, config.KeyValueHeadCount * head);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs) => at.Linear(name, inputs, outputs, initializer, config.FeedForwardBias);
        AttentionShape shape = new(layer, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize));
        ILinear packed = Linear("self_attention.query_key_value", hidden, wide + (2 * narrow));
        QueryKeyValue inputs = settings.IsMultiQuery && !settings.IsGrouped
            ? new PackedProjection(packed, wide, narrow)
            : new InterleavedProjection(packed, shape);
        Attention attention = new("self_attention", shape, inputs, Linear("self_attention.dense", wide, hidden), positions);
        FeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation),
            Linear("mlp.dense_h_to_4h", hidden, inner), Linear("mlp.dense_4h_to_h", inner, hidden));
        LayerNormalization Norm(string name) => new(at.At(name), hidden, config.NormEpsilon);
        if (!settings.IsParallel)
            return new SequentialBlock(Norm("input_layernorm"), attention, Norm("post_attention_layernorm"), feedForward);
        return settings.NormsInParallel == 2
            ? new ParallelBlock(Norm("ln_attn"), attention, Norm("ln_mlp"), feedForward)
            : new ParallelBlock(Norm("input_layernorm"), attention, null, feedForward);
    }
}
