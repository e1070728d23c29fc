using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>OPT: learned positions from row 2 on; the 350m size norms after each part and has a narrower embedding.</summary>
internal static class OptFamily
{
    private const int FirstPosition = 2;

    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "opt",
        DecoderName = "model.decoder",
        BlocksName = "layers",
        CausalArchitecture = "OPTForCausalLM",
        ClassifierArchitecture = "OPTForSequenceClassification",
        AdapterTargets = ["q_proj", "v_proj"],
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    /// <param name="NormsBefore">Whether norms stand before attention and feed-forward, and one at the end.</param>
    /// <param name="HasFinalNorm">Whether there is one at the end, then.</param>
    /// <param name="NormsHaveWeights">Whether norms have weights and biases.</param>
    private sealed record Settings(bool NormsBefore, bool HasFinalNorm, bool NormsHaveWeights);

    private static ModelConfig Read(JsonFields fields)
    {
        int hidden = fields.Integer("hidden_size", 768), heads = fields.Integer("num_attention_heads", 12);
        bool bias = fields.Flag("enable_bias", true), before = fields.Flag("do_layer_norm_before", true);
        int width = fields.OptionalInteger("word_embed_proj_dim") ?? hidden;
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 50_272),
            HiddenSize = hidden,
            EmbeddingSize = width == hidden ? null : width,
            LayerCount = fields.Integer("num_hidden_layers", 12),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = heads > 0 ? hidden / heads : 0,
            IntermediateSize = fields.Integer("ffn_dim", 3072),
            ContextLength = fields.Integer("max_position_embeddings", 2048),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = fields.Text("activation_function") ?? "relu",
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            FeedForwardBias = bias,
            AttentionDropout = fields.Number("attention_dropout", 0),
            ResidualDropout = fields.Number("dropout", 0.1),
            Own = new Settings(
                before, before && !fields.Flag("_remove_final_layer_norm", false), fields.Flag("layer_norm_elementwise_affine", true)),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        json["hidden_size"] = config.HiddenSize;
        json["word_embed_proj_dim"] = config.OutputSize;
        json["num_hidden_layers"] = config.LayerCount;
        json["num_attention_heads"] = config.HeadCount;
        json["ffn_dim"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength;
        json["activation_function"] = config.Activation;
        json["enable_bias"] = config.FeedForwardBias;
        json["attention_dropout"] = config.AttentionDropout;
        json["dropout"] = config.ResidualDropout;
        json["do_layer_norm_before"] = ((Settings)config.Own!).NormsBefore;
        if (!((Settings)config.Own!).NormsHaveWeights)
            json["layer_norm_elementwise_affine"] = false;
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        var settings = (Settings)config.Own!;
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        TokenEmbedding tokens = at.At("embed_tokens").Embedding(config.VocabularySize, config.OutputSize, initializer);
        LearnedPositions positions = new(at.At("embed_positions"), config.ContextLength, config.HiddenSize, initializer, FirstPosition);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        List<nn.Module<Tensor, Tensor>> entry = [], exit = [];
        if (settings.HasFinalNorm)
            exit.Add(Norm(config, at.At("final_layer_norm")));
        if (config.EmbeddingSize is { } width)
        {
            entry.Add(new LinearLayer(at.At("project_in"), width, config.HiddenSize, initializer));
            exit.Add(new LinearLayer(at.At("project_out"), config.HiddenSize, width, initializer));
        }
        return new Decoder(config, tokens, positions, blocks, exit, entry);
    }

    private static Block ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs) => at.Linear(name, inputs, outputs, initializer, config.FeedForwardBias);
        ILinear Input(string name) => Linear("self_attn." + name, hidden, hidden);
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize));
        Attention attention = new(
            "self_attn", shape, new SeparateProjections(Input("q_proj"), Input("k_proj"), Input("v_proj")), Input("out_proj"), positions);
        FeedForward feedForward = new("", Activations.Named(config.Activation), Linear("fc1", hidden, inner), Linear("fc2", inner, hidden));
        nn.Module<Tensor, Tensor> first = Norm(config, at.At("self_attn_layer_norm")), second = Norm(config, at.At("final_layer_norm"));
        return ((Settings)config.Own!).NormsBefore
            ? new SequentialBlock(first, attention, second, feedForward)
            : new PostNormBlock(attention, first, feedForward, second);
    }

    private static nn.Module<Tensor, Tensor> Norm(ModelConfig config, WeightPath at) => ((Settings)config.Own!).NormsHaveWeights
        ? new LayerNormalization(at, config.HiddenSize, config.NormEpsilon)
        : new PlainLayerNormalization(at.Name, config.HiddenSize, config.NormEpsilon);
}
