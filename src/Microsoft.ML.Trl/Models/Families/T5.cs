using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// T5 (arXiv:1910.10683) and its versions 1.1 and Flan: an encoder reads the prompt, a decoder writes the answer; relative positions,
/// scores that are not scaled, no biases.
/// </summary>
public static class T5Family
{
    private const string Gated = "gated-";

    internal static ModelFamily Definition { get; } = new()
    {
        ModelType = "t5",
        DecoderName = "decoder",
        BlocksName = "block",
        SharedEmbeddingName = "shared",
        CausalArchitecture = "T5ForConditionalGeneration",
        ClassifierArchitecture = "T5ForSequenceClassification",
        AdapterTargets = ["q", "v"],
        HasOwnHeadSize = true,
        Initializer = ("initializer_factor", 1),
        IgnoredWeights =
            ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "EncDecAttention.relative_attention_bias.weight"],
        Read = Read,
        Write = Write,
        Compose = (config, at) => Stack(config, at, Embedding(config, at)),
        ComposeEncoder = (config, at, tokens) => Stack(EncoderOf(config), at, tokens),
    };

    private static readonly ModelFamily EncoderDefinition = Definition with { CausalArchitecture = null };

    extension(ModelConfig)
    {
        /// <summary>A T5 model whose decoder has as many blocks as its encoder; 0 is its pad token, with which answers begin.</summary>
        /// <param name="vocabularySize">Number of tokens.</param>
        /// <param name="hiddenSize">Width; a multiple of <paramref name="heads"/>.</param>
        /// <param name="layers">Blocks of the encoder, and of the decoder.</param>
        /// <param name="heads">Attention heads per block.</param>
        /// <param name="isVersion11">
        /// Whether it is built as versions 1.1 and Flan are: gated feed-forward layers with GELU, and a vocabulary projection of its own.
        /// </param>
        /// <param name="dropout">Probability of dropping an entry in training, everywhere alike, in [0, 1).</param>
        /// <exception cref="InvalidDataException">A number is out of range, or two do not fit together; the message says which.</exception>
        public static ModelConfig T5(
            int vocabularySize, int hiddenSize, int layers, int heads, bool isVersion11 = false, double dropout = 0.1) =>
            new ModelConfig(Definition)
            {
                VocabularySize = vocabularySize,
                HiddenSize = hiddenSize,
                LayerCount = layers,
                EncoderLayerCount = layers,
                HeadCount = heads,
                KeyValueHeadCount = heads,
                HeadSize = heads > 0 && hiddenSize % heads == 0 ? hiddenSize / heads
                    : throw new InvalidDataException($"T5: the hidden size {hiddenSize} is not a multiple of the {heads} heads."),
                IntermediateSize = ModelSize.Saturated(4L * hiddenSize),
                ContextLength = int.MaxValue,
                NormEpsilon = 1e-6,
                TieWordEmbeddings = !isVersion11,
                ScalesHead = !isVersion11,
                Activation = isVersion11 ? "gelu_new" : "relu",
                EmbeddingDropout = dropout,
                AttentionDropout = dropout,
                ResidualDropout = dropout,
                InitializerRange = Definition.Initializer.Default,
                PadTokenId = 0,
                DecoderStartTokenId = 0,
                Own = new Settings(isVersion11, Buckets: 32, FarthestDistance: 128),
            }.Validated("T5");
    }

    /// <param name="IsGated">Whether feed-forward layers are gated.</param>
    /// <param name="Buckets">Of distances, in each direction half where both are seen.</param>
    /// <param name="FarthestDistance">From here on all share a bucket.</param>
    private sealed record Settings(bool IsGated, int Buckets, int FarthestDistance);

    private static ModelConfig Read(JsonFields fields)
    {
        int layers = fields.Integer("num_layers", 6), heads = fields.Integer("num_heads", 8);
        double dropout = fields.Number("dropout_rate", 0.1);
        bool isTied = fields.Flag("tie_word_embeddings", true);
        int pad = fields.OptionalInteger("pad_token_id") ?? 0;
        (bool isGated, string activation) = FeedForwardKind(fields);
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 32_128),
            HiddenSize = fields.Integer("d_model", 512),
            LayerCount = fields.OptionalInteger("num_decoder_layers") ?? layers,
            EncoderLayerCount = layers,
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = fields.Integer("d_kv", 64),
            IntermediateSize = fields.Integer("d_ff", 2048),
            ContextLength = int.MaxValue, // n_positions of old files limits nothing there either
            NormEpsilon = fields.Number("layer_norm_epsilon", 1e-6),
            TieWordEmbeddings = isTied,
            ScalesHead = fields.Flag("scale_decoder_outputs", isTied),
            Activation = activation,
            EmbeddingDropout = dropout,
            AttentionDropout = dropout,
            ResidualDropout = dropout,
            PadTokenId = pad,
            EosTokenIds = [1],
            DecoderStartTokenId = fields.OptionalInteger("decoder_start_token_id") ?? pad,
            Own = Checked(fields, new Settings(
                isGated, fields.Integer("relative_attention_num_buckets", 32), fields.Integer("relative_attention_max_distance", 128))),
        };
    }

    private static (bool IsGated, string Activation) FeedForwardKind(JsonFields fields)
    {
        string kind = fields.Text("feed_forward_proj") ?? "relu";
        bool isGated = kind.StartsWith(Gated, StringComparison.Ordinal);
        string activation = isGated ? kind[Gated.Length..] : kind;
        return (isGated, isGated && activation == "gelu" ? "gelu_new" : activation);
    }

    private static Settings Checked(JsonFields fields, Settings settings)
    {
        (int buckets, int farthest) = (settings.Buckets, settings.FarthestDistance);
        if (buckets < 4 || farthest <= buckets / 2)
            throw new InvalidDataException(
                $"{fields.Source}: relative_attention_num_buckets is {buckets} and relative_attention_max_distance {farthest}; there must "
                + "be at least 4 buckets, and the distance must be more than half of them.");
        return settings;
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        var settings = (Settings)config.Own!;
        json["d_model"] = config.HiddenSize;
        json["num_layers"] = config.EncoderLayerCount;
        json["num_decoder_layers"] = config.LayerCount;
        json["num_heads"] = config.HeadCount;
        json["d_kv"] = config.HeadSize;
        json["d_ff"] = config.IntermediateSize;
        json["layer_norm_epsilon"] = config.NormEpsilon;
        json["dropout_rate"] = config.ResidualDropout;
        json["relative_attention_num_buckets"] = settings.Buckets;
        json["relative_attention_max_distance"] = settings.FarthestDistance;
        string named = settings.IsGated && config.Activation == "gelu_new" ? "gelu" : config.Activation;
        json["feed_forward_proj"] = settings.IsGated ? Gated + named : named;
        json["dense_act_fn"] = config.Activation;
        json["is_gated_act"] = settings.IsGated;
        json["scale_decoder_outputs"] = config.ScalesHead;
        json["is_encoder_decoder"] = true;
        json["decoder_start_token_id"] = config.DecoderStartTokenId;
    }

    private static ModelConfig EncoderOf(ModelConfig config) =>
        config with { Family = EncoderDefinition, LayerCount = config.EncoderLayerCount, EncoderLayerCount = 0 };

    private static TokenEmbedding Embedding(ModelConfig config, WeightPath at) =>
        (at with { Path = config.Family.SharedEmbeddingName! }).Embedding(
            config.VocabularySize, config.HiddenSize, Initializer.Normal(config.InitializerRange), isShared: true);

    private static Decoder Stack(ModelConfig config, WeightPath at, TokenEmbedding tokens)
    {
        var settings = (Settings)config.Own!;
        RelativeBias bias = new(
            at.At("block.0.layer.0.SelfAttention.relative_attention_bias"), settings.Buckets, config.HeadCount,
            Drawn(config, config.HiddenSize));
        RelativePositions positions = new(() => bias.Weight, settings.FarthestDistance, seesAhead: config.Family.IsEncoder);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions, layer == 0 ? bias : null));
        RmsNormalization norm = new(at.At("final_layer_norm"), config.HiddenSize, config.NormEpsilon);
        return new Decoder(config, tokens, positions, blocks, [norm]) { DropsOutput = true };
    }

    private static EncoderDecoderBlock ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions, RelativeBias? bias)
    {
        long hidden = config.HiddenSize, inner = (long)config.HeadCount * config.HeadSize;
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, Scale: 1);
        ILinear Input(string name, long inputs) => at.Linear(name, hidden, inner, Drawn(config, inputs), hasBias: false);
        ILinear Queries(string name) => Input(name + ".q", hidden * config.HeadSize);
        ILinear Output(string name) => at.Linear(name + ".o", inner, hidden, Drawn(config, inner), hasBias: false);
        RmsNormalization Norm(string name) => new(at.At(name, nameParts: 3), hidden, config.NormEpsilon);
        const string self = "layer.0.SelfAttention", cross = "layer.1.EncDecAttention";
        int last = config.Family.IsEncoder ? 1 : 2;
        Attention attention = new(
            self, shape, new SeparateProjections(Queries(self), Input(self + ".k", hidden), Input(self + ".v", hidden)), Output(self),
            positions);
        if (bias is not null)
            attention.Own(bias);
        return new EncoderDecoderBlock(
            Norm("layer.0.layer_norm"), attention,
            config.Family.IsEncoder ? null : (Norm("layer.1.layer_norm"), new CrossAttention(
                cross, shape, Queries(cross), Input(cross + ".k", hidden), Input(cross + ".v", hidden), Output(cross))),
            Norm($"layer.{last}.layer_norm"), ComposeFeedForward(config, at, $"layer.{last}.DenseReluDense"));
    }

    private static DroppingFeedForward ComposeFeedForward(ModelConfig config, WeightPath at, string name)
    {
        Func<Tensor, Tensor> activation = Activations.Named(config.Activation);
        ILinear Linear(string part, long inputs, long outputs) =>
            at.Linear($"{name}.{part}", inputs, outputs, Drawn(config, inputs), hasBias: false);
        ILinear In(string part) => Linear(part, config.HiddenSize, config.IntermediateSize);
        ILinear Out() => Linear("wo", config.IntermediateSize, config.HiddenSize);
        return ((Settings)config.Own!).IsGated
            ? new GatedFeedForward(name, activation, In("wi_0"), In("wi_1"), Out())
            : new FeedForward(name, activation, In("wi"), Out());
    }

    /// <summary>Normal, with the deviation of transformers' <c>T5PreTrainedModel</c>: the factor over the root of the inputs.</summary>
    private static Initializer Drawn(ModelConfig config, double inputs) => Initializer.Normal(config.InitializerRange / Math.Sqrt(inputs));
}
