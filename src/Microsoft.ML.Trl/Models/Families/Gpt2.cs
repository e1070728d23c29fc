using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>GPT-2: learned positions, one projection to queries, keys and values, weights that lie [inputs, outputs].</summary>
public static class Gpt2Family
{
    internal static ModelFamily Definition { get; } = new()
    {
        ModelType = "gpt2",
        DecoderName = "transformer",
        BlocksName = "h",
        CausalArchitecture = "GPT2LMHeadModel",
        ClassifierArchitecture = "GPT2ForSequenceClassification",
        AdapterTargets = ["c_attn"],
        LossCountsFirstToken = true,
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    extension(ModelConfig)
    {
        /// <summary>A GPT-2 model with tied embeddings.</summary>
        /// <param name="vocabularySize">Number of tokens.</param>
        /// <param name="hiddenSize">Width; a multiple of <paramref name="heads"/>.</param>
        /// <param name="layers">Number of blocks.</param>
        /// <param name="heads">Attention heads per block.</param>
        /// <param name="contextLength">Longest sequence in tokens.</param>
        /// <param name="dropout">
        /// Probability of dropping an entry in training (of embeddings, attention weights, what joins the residual stream), in [0, 1); 0.1
        /// as in transformers' GPT2Config. Small models trained on much data do without.
        /// </param>
        /// <exception cref="InvalidDataException">A number is out of range, or two do not fit together; the message says which.</exception>
        public static ModelConfig Gpt2(
            int vocabularySize, int hiddenSize, int layers, int heads, int contextLength, double dropout = 0.1) =>
            new ModelConfig(Definition)
            {
                VocabularySize = vocabularySize,
                HiddenSize = hiddenSize,
                LayerCount = layers,
                HeadCount = heads,
                KeyValueHeadCount = heads,
                HeadSize = heads > 0 ? hiddenSize / heads : 0,
                IntermediateSize = ModelSize.Saturated(4L * hiddenSize),
                ContextLength = contextLength,
                TieWordEmbeddings = true,
                AttentionInputBias = true,
                AttentionOutputBias = true,
                FeedForwardBias = true,
                EmbeddingDropout = dropout,
                AttentionDropout = dropout,
                ResidualDropout = dropout,
            }.Validated("Gpt2");
    }

    private static ModelConfig Read(JsonFields fields)
    {
        if (fields.Flag("add_cross_attention", false))
            throw new NotSupportedException($"{fields.Source} asks for cross attention; only decoders without an encoder are supported.");
        int hidden = fields.Integer("n_embd", 768);
        int heads = fields.Integer("n_head", 12);
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 50257),
            HiddenSize = hidden,
            LayerCount = fields.Integer("n_layer", 12),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = heads > 0 ? hidden / heads : 0,
            IntermediateSize = fields.OptionalInteger("n_inner") ?? ModelSize.Saturated(4L * hidden),
            ContextLength = fields.Integer("n_positions", 1024),
            NormEpsilon = fields.Number("layer_norm_epsilon", 1e-5),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = fields.Text("activation_function") ?? "gelu_new",
            AttentionInputBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            EmbeddingDropout = fields.Number("embd_pdrop", 0.1),
            AttentionDropout = fields.Number("attn_pdrop", 0.1),
            ResidualDropout = fields.Number("resid_pdrop", 0.1),
            ScaleAttention = fields.Flag("scale_attn_weights", true),
            ScaleAttentionByLayer = fields.Flag("scale_attn_by_inverse_layer_idx", false),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        json["n_embd"] = config.HiddenSize;
        json["n_layer"] = config.LayerCount;
        json["n_head"] = config.HeadCount;
        json["n_positions"] = config.ContextLength;
        json["n_inner"] = config.IntermediateSize == ModelSize.Saturated(4L * config.HiddenSize) ? null : config.IntermediateSize;
        json["layer_norm_epsilon"] = config.NormEpsilon;
        json["activation_function"] = config.Activation;
        json["embd_pdrop"] = config.EmbeddingDropout;
        json["attn_pdrop"] = config.AttentionDropout;
        json["resid_pdrop"] = config.ResidualDropout;
        json["scale_attn_weights"] = config.ScaleAttention;
        json["scale_attn_by_inverse_layer_idx"] = config.ScaleAttentionByLayer;
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
        Initializer inward = Initializer.Normal(config.InitializerRange);
        // Weights that feed the residual stream begin smaller, so that it does not grow with depth (the GPT-2 report, 2.3).
        Initializer outward = Initializer.Normal(config.InitializerRange / Math.Sqrt(2.0 * config.LayerCount));
        ILinear Linear(string name, long inputs, long outputs, Initializer initializer) =>
            at.Linear(name, inputs, outputs, initializer, hasBias: true, WeightLayout.InputsByOutputs);
        double scale = (config.ScaleAttention ? 1 / Math.Sqrt(config.HeadSize) : 1) / (config.ScaleAttentionByLayer ? layer + 1 : 1);
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, scale);
        Attention attention = new(
            "attn", shape, new PackedProjection(Linear("attn.c_attn", hidden, 3 * hidden, inward), hidden, hidden),
            Linear("attn.c_proj", hidden, hidden, outward), positions);
        FeedForward feedForward = new(
            "mlp", Activations.Named(config.Activation),
            Linear("mlp.c_fc", hidden, inner, inward), Linear("mlp.c_proj", inner, hidden, outward));
        LayerNormalization Norm(string name) => new(at.At(name), hidden, config.NormEpsilon);
        return new SequentialBlock(Norm("ln_1"), attention, Norm("ln_2"), feedForward);
    }
}
