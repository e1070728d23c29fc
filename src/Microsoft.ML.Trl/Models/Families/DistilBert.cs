using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>DistilBERT: a BERT without kinds of tokens (arXiv:1910.01108).</summary>
internal static class DistilBertFamily
{
    public static ModelFamily Definition { get; } = new()
    {
        ModelType = "distilbert",
        DecoderName = "distilbert",
        BlocksName = "transformer.layer",
        CausalArchitecture = null,
        ClassifierArchitecture = "DistilBertForSequenceClassification",
        Classifier = new ClassifierLayout("classifier", "pre_classifier", "relu", HasBias: true),
        CountsPadding = true,
        Read = Read,
        Write = Write,
        Compose = Compose,
    };

    private static ModelConfig Read(JsonFields fields)
    {
        int hidden = fields.Integer("dim", 768), heads = fields.Integer("n_heads", 12);
        double dropout = fields.Number("dropout", 0.1);
        return new ModelConfig(Definition)
        {
            VocabularySize = fields.Integer("vocab_size", 30_522),
            HiddenSize = hidden,
            LayerCount = fields.Integer("n_layers", 6),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = heads > 0 ? hidden / heads : 0,
            IntermediateSize = fields.Integer("hidden_dim", 3072),
            ContextLength = fields.Integer("max_position_embeddings", 512),
            NormEpsilon = 1e-12,
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = fields.Text("activation") ?? "gelu",
            AttentionInputBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            EmbeddingDropout = dropout,
            ResidualDropout = dropout,
            AttentionDropout = fields.Number("attention_dropout", 0.1),
            ClassifierDropout = fields.Number("seq_classif_dropout", 0.2),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        json["dim"] = config.HiddenSize;
        json["n_layers"] = config.LayerCount;
        json["n_heads"] = config.HeadCount;
        json["hidden_dim"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength;
        json["activation"] = config.Activation;
        json["dropout"] = config.ResidualDropout;
        json["attention_dropout"] = config.AttentionDropout;
        json["seq_classif_dropout"] = config.ClassifierDropout;
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        WeightPath Embeddings(string name) => at.At("embeddings." + name, nameParts: 2);
        TokenEmbedding tokens = Embeddings("word_embeddings").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        LearnedPositions positions = new(Embeddings("position_embeddings"), config.ContextLength, config.HiddenSize, initializer);
        LayerNormalization norm = new(Embeddings("LayerNorm"), config.HiddenSize, config.NormEpsilon);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        return new Decoder(config, tokens, positions, blocks, exit: [], embeddingNorm: norm);
    }

    private static PostNormBlock ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs) => at.Linear(name, inputs, outputs, initializer, hasBias: true);
        ILinear Input(string name) => Linear("attention." + name, hidden, hidden);
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize));
        Attention attention = new(
            "attention", shape, new SeparateProjections(Input("q_lin"), Input("k_lin"), Input("v_lin")), Input("out_lin"), positions);
        FeedForward feedForward = new(
            "ffn", Activations.Named(config.Activation), Linear("ffn.lin1", hidden, inner), Linear("ffn.lin2", inner, hidden));
        LayerNormalization Norm(string name) => new(at.At(name), hidden, config.NormEpsilon);
        return new PostNormBlock(attention, Norm("sa_layer_norm"), feedForward, Norm("output_layer_norm"), dropsAttention: false);
    }
}
