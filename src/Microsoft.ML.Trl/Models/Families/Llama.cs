using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// The LLaMA family, Mistral and Qwen 2 included: rotary positions, shared key-value heads, gated feed-forward, RMS norms.
/// </summary>
public static class LlamaFamily
{
    private static readonly ModelFamily LlamaDefinition = Create("llama", "Llama", ReadLlama, WriteLlama);
    private static readonly ModelFamily MistralDefinition = Create("mistral", "Mistral", ReadMistral, WriteMistral);
    private static readonly ModelFamily Qwen2Definition = Create("qwen2", "Qwen2", ReadQwen2, WriteQwen2);

    internal static IReadOnlyList<ModelFamily> Definitions { get; } = [LlamaDefinition, MistralDefinition, Qwen2Definition];

    extension(ModelConfig)
    {
        /// <summary>A LLaMA model without biases and without dropout, as transformers' LlamaConfig has it.</summary>
        /// <param name="vocabularySize">Number of tokens.</param>
        /// <param name="hiddenSize">Width; a multiple of <paramref name="heads"/>.</param>
        /// <param name="layers">Number of blocks.</param>
        /// <param name="heads">Query heads per block.</param>
        /// <param name="contextLength">Longest sequence in tokens.</param>
        /// <param name="keyValueHeads">Key and value heads; divides <paramref name="heads"/>. 0 means as many as query heads.</param>
        /// <param name="intermediateSize">
        /// Width inside the feed-forward layer; 0 means 8/3 of the width, rounded up to a multiple of 8.
        /// </param>
        /// <param name="tieWordEmbeddings">Whether the vocabulary projection is the token embedding.</param>
        /// <exception cref="InvalidDataException">A number is out of range, or two do not fit together; the message says which.</exception>
        public static ModelConfig Llama(
            int vocabularySize, int hiddenSize, int layers, int heads, int contextLength,
            int keyValueHeads = 0, int intermediateSize = 0, bool tieWordEmbeddings = false) =>
            new ModelConfig(LlamaDefinition)
            {
                VocabularySize = vocabularySize,
                HiddenSize = hiddenSize,
                LayerCount = layers,
                HeadCount = heads,
                KeyValueHeadCount = keyValueHeads == 0 ? heads : keyValueHeads,
                HeadSize = heads > 0 ? hiddenSize / heads : 0,
                IntermediateSize = intermediateSize == 0 ? ModelSize.Saturated(((hiddenSize * 8L / 3) + 7) / 8 * 8) : intermediateSize,
                ContextLength = contextLength,
                NormEpsilon = 1e-6,
                TieWordEmbeddings = tieWordEmbeddings,
                Activation = "silu",
                Rope = new RopeSettings(),
            }.Validated("Llama");
    }

    private static ModelFamily Create(
        string modelType, string name, Func<JsonFields, ModelConfig> read, Action<ModelConfig, JsonObject> write) => new()
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
        Compose = (config, at) => Compose(config, at, norms: null),
    };

    private static ModelConfig ReadLlama(JsonFields fields)
    {
        bool bias = fields.Flag("attention_bias", false);
        return ReadShared(fields, LlamaDefinition, 32_000, intermediate: 11_008, context: 2048)
            with { AttentionInputBias = bias, AttentionOutputBias = bias };
    }

    private static ModelConfig ReadMistral(JsonFields fields)
    {
        bool bias = fields.Flag("attention_bias", false);
        return ReadShared(fields, MistralDefinition, 32_000, intermediate: 14_336, context: 131_072) with
        {
            KeyValueHeadCount = fields.OptionalInteger("num_key_value_heads") ?? 8,
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            SlidingWindow = fields.Has("sliding_window") ? fields.OptionalInteger("sliding_window") : 4096,
        };
    }

    private static ModelConfig ReadQwen2(JsonFields fields)
    {
        ModelConfig config = ReadShared(fields, Qwen2Definition, 151_936, intermediate: 22_016, context: 32_768)
            with { AttentionInputBias = true };
        return WithWindow(config, fields);
    }

    /// <summary>The window of Qwen's families, where the configuration asks for it.</summary>
    internal static ModelConfig WithWindow(ModelConfig config, JsonFields fields) => !fields.Flag("use_sliding_window", false)
        ? config
        : config with
        {
            SlidingWindow = fields.OptionalInteger("sliding_window") ?? 4096,
            WindowedLayers = fields.LayerTypes() ?? From(fields.Integer("max_window_layers", 28), config.LayerCount),
        };

    private static LayerPattern From(int first, int layers) => new(layers, layer => layer >= first);

    internal static ModelConfig ReadShared(
        JsonFields fields, ModelFamily family, int vocabulary, int intermediate, int context, double theta = 10_000)
    {
        int hidden = fields.Integer("hidden_size", 4096);
        int heads = fields.Integer("num_attention_heads", 32);
        return new ModelConfig(family)
        {
            VocabularySize = fields.Integer("vocab_size", vocabulary),
            HiddenSize = hidden,
            LayerCount = fields.Integer("num_hidden_layers", 32),
            HeadCount = heads,
            KeyValueHeadCount = fields.OptionalInteger("num_key_value_heads") ?? heads,
            HeadSize = fields.OptionalInteger("head_dim") ?? (heads > 0 ? hidden / heads : 0),
            IntermediateSize = fields.Integer("intermediate_size", intermediate),
            ContextLength = fields.Integer("max_position_embeddings", context),
            NormEpsilon = fields.Number("rms_norm_eps", 1e-6),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", false),
            Activation = fields.Text("hidden_act") ?? "silu",
            FeedForwardBias = fields.Flag("mlp_bias", false),
            AttentionDropout = fields.Number("attention_dropout", 0),
            Rope = RopeJson.Read(fields, otherwise: theta),
        };
    }

    private static void WriteLlama(ModelConfig config, JsonObject json)
    {
        WriteShared(config, json);
        json["head_dim"] = config.HeadSize;
        json["attention_bias"] = config.AttentionInputBias;
        json["mlp_bias"] = config.FeedForwardBias;
    }

    private static void WriteMistral(ModelConfig config, JsonObject json)
    {
        WriteShared(config, json);
        json["head_dim"] = config.HeadSize;
        json["sliding_window"] = config.SlidingWindow;
    }

    private static void WriteQwen2(ModelConfig config, JsonObject json)
    {
        WriteShared(config, json);
        if ((long)config.HeadSize * config.HeadCount != config.HiddenSize)
            json["head_dim"] = config.HeadSize;
    }

    internal static void WriteShared(ModelConfig config, JsonObject json)
    {
        json["hidden_size"] = config.HiddenSize;
        json["num_hidden_layers"] = config.LayerCount;
        json["num_attention_heads"] = config.HeadCount;
        json["num_key_value_heads"] = config.KeyValueHeadCount;
        json["intermediate_size"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength;
        json["rms_norm_eps"] = config.NormEpsilon;
        json["hidden_act"] = config.Activation;
        json["attention_dropout"] = config.AttentionDropout;
        RopeJson.Write(config.Rope!, json);
    }

    /// <summary>A decoder of LLaMA's parts.</summary>
    /// <param name="config">Of any family that is made of them.</param>
    /// <param name="at">Place of the decoder in the checkpoint.</param>
    /// <param name="norms">Norms of queries and keys below a block's place; null = none.</param>
    /// <param name="feedForward">The feed-forward layer of a block, by its place and number; null = LLaMA's.</param>
    internal static Decoder Compose(
        ModelConfig config, WeightPath at, Func<WeightPath, HeadNorms>? norms,
        Func<ModelConfig, WeightPath, int, nn.Module<Tensor, Tensor>>? feedForward = null)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("embed_tokens").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        HalvedRotary positions = new(config.Rope!, config.HeadSize, tokens.Device);
        Block[] blocks = at.Blocks(config, (place, layer) =>
        {
            Attention attention = ComposeAttention(config, place, layer, positions, norms);
            RmsNormalization Norm(string name) => new(place.At(name), config.HiddenSize, config.NormEpsilon);
            return new SequentialBlock(
                Norm("input_layernorm"), attention, Norm("post_attention_layernorm"),
                feedForward is null ? FeedForward(config, place) : feedForward(config, place, layer));
        });
        RmsNormalization norm = new(at.At("norm"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]);
    }

    private static Attention ComposeAttention(
        ModelConfig config, WeightPath at, int layer, Positions positions, Func<WeightPath, HeadNorms>? norms)
    {
        (long hidden, long headSize) = (config.HiddenSize, config.HeadSize);
        (long wide, long narrow) = (config.HeadCount * headSize, config.KeyValueHeadCount * headSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs, bool hasBias) => at.Linear(name, inputs, outputs, initializer, hasBias);
        SeparateProjections inputs = new(
            Linear("self_attn.q_proj", hidden, wide, config.AttentionInputBias),
            Linear("self_attn.k_proj", hidden, narrow, config.AttentionInputBias),
            Linear("self_attn.v_proj", hidden, narrow, config.AttentionInputBias));
        AttentionShape shape = new(
            layer, config.HeadCount, config.KeyValueHeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize), config.WindowOf(layer));
        return new Attention(
            "self_attn", shape, inputs, Linear("self_attn.o_proj", wide, hidden, config.AttentionOutputBias), positions,
            norms?.Invoke(at.At("self_attn")));
    }

    /// <summary>The feed-forward layer of a block.</summary>
    /// <param name="config">Of any family that is made of LLaMA's parts.</param>
    /// <param name="at">Place of the block in the checkpoint.</param>
    internal static GatedFeedForward FeedForward(ModelConfig config, WeightPath at)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs) =>
            at.Linear("mlp." + name, inputs, outputs, initializer, config.FeedForwardBias);
        return new GatedFeedForward(
            "mlp", Activations.Named(config.Activation), Linear("gate_proj", hidden, inner), Linear("up_proj", hidden, inner),
            Linear("down_proj", inner, hidden));
    }
}
