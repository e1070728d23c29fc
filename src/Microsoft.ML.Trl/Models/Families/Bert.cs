using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl;

/// <summary>
/// BERT (arXiv:1810.04805) and RoBERTa (arXiv:1907.11692), which differ in where positions begin and in the head of classifiers.
/// </summary>
internal static class BertFamily
{
    private static readonly ModelFamily BertDefinition = new()
    {
        ModelType = "bert",
        DecoderName = "bert",
        BlocksName = "encoder.layer",
        CausalArchitecture = null,
        ClassifierArchitecture = "BertForSequenceClassification",
        AdapterTargets = ["query", "value"],
        Classifier = new ClassifierLayout("classifier", "bert.pooler.dense", HasBias: true),
        CountsPadding = true,
        Read = fields => Read(fields, BertDefinition!, vocabulary: 30_522, types: 2, epsilon: 1e-12, firstPosition: 0),
        Write = Write,
        Compose = Compose,
    };

    private static readonly ModelFamily RobertaDefinition = BertDefinition with
    {
        ModelType = "roberta",
        DecoderName = "roberta",
        ClassifierArchitecture = "RobertaForSequenceClassification",
        AdapterTargets = ["query", "value"],
        Classifier = new ClassifierLayout("classifier.out_proj", "classifier.dense", HasBias: true),
        CountsPadding = false,
        Read = fields => Read(
            fields, RobertaDefinition!, vocabulary: 50_265, types: 1, epsilon: 1e-5, firstPosition: fields.Integer("pad_token_id", 1) + 1),
    };

    public static IReadOnlyList<ModelFamily> Definitions { get; } = [BertDefinition, RobertaDefinition];

    /// <param name="TokenTypes">Kinds of tokens.</param>
    /// <param name="FirstPosition">Row of a text's first position.</param>
    private sealed record Settings(int TokenTypes, int FirstPosition);

    private static ModelConfig Read(
        JsonFields fields, ModelFamily family, int vocabulary, int types, double epsilon, int firstPosition)
    {
        if (fields.Text("position_embedding_type") is { } positions and not "absolute")
            throw new NotSupportedException($"{fields.Source}: positions of type '{positions}' are not supported; supported is absolute.");
        int hidden = fields.Integer("hidden_size", 768), heads = fields.Integer("num_attention_heads", 12);
        double dropout = fields.Number("hidden_dropout_prob", 0.1);
        int kinds = fields.Integer("type_vocab_size", types);
        if (kinds < 1 || firstPosition < 0)
            throw new InvalidDataException(
                $"{fields.Source}: type_vocab_size is {kinds} and positions begin at row {firstPosition}; "
                + "there must be at least 1 kind of tokens, and no pad_token_id below -1.");
        return new ModelConfig(family)
        {
            VocabularySize = fields.Integer("vocab_size", vocabulary),
            HiddenSize = hidden,
            LayerCount = fields.Integer("num_hidden_layers", 12),
            HeadCount = heads,
            KeyValueHeadCount = heads,
            HeadSize = heads > 0 ? hidden / heads : 0,
            IntermediateSize = fields.Integer("intermediate_size", 3072),
            ContextLength = fields.Integer("max_position_embeddings", 512) - firstPosition,
            NormEpsilon = fields.Number("layer_norm_eps", epsilon),
            TieWordEmbeddings = fields.Flag("tie_word_embeddings", true),
            Activation = fields.Text("hidden_act") ?? "gelu",
            AttentionInputBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            EmbeddingDropout = dropout,
            ResidualDropout = dropout,
            AttentionDropout = fields.Number("attention_probs_dropout_prob", 0.1),
            ClassifierDropout = fields.OptionalNumber("classifier_dropout") ?? dropout,
            Own = new Settings(kinds, firstPosition),
        };
    }

    private static void Write(ModelConfig config, JsonObject json)
    {
        var settings = (Settings)config.Own!;
        json["hidden_size"] = config.HiddenSize;
        json["num_hidden_layers"] = config.LayerCount;
        json["num_attention_heads"] = config.HeadCount;
        json["intermediate_size"] = config.IntermediateSize;
        json["max_position_embeddings"] = config.ContextLength + settings.FirstPosition;
        json["layer_norm_eps"] = config.NormEpsilon;
        json["hidden_act"] = config.Activation;
        json["hidden_dropout_prob"] = config.ResidualDropout;
        json["attention_probs_dropout_prob"] = config.AttentionDropout;
        if (json["classifier_dropout"] is not null || config.ClassifierDropout != config.ResidualDropout)
            json["classifier_dropout"] = config.ClassifierDropout;
        json["type_vocab_size"] = settings.TokenTypes;
    }

    private static Decoder Compose(ModelConfig config, WeightPath at)
    {
        var settings = (Settings)config.Own!;
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        WeightPath Embeddings(string name) => at.At("embeddings." + name, nameParts: 2);
        TokenEmbedding tokens = Embeddings("word_embeddings").Embedding(config.VocabularySize, config.HiddenSize, initializer);
        LearnedPositions positions = new(
            Embeddings("position_embeddings"), config.ContextLength, config.HiddenSize, initializer, settings.FirstPosition);
        TokenTypes types = new(Embeddings("token_type_embeddings"), settings.TokenTypes, config.HiddenSize, initializer);
        LayerNormalization norm = new(Embeddings("LayerNorm"), config.HiddenSize, config.NormEpsilon);
        Block[] blocks = at.Blocks(config, (place, layer) => ComposeBlock(config, place, layer, positions));
        return new Decoder(config, tokens, positions, blocks, exit: [], types: types, embeddingNorm: norm);
    }

    private static PostNormBlock ComposeBlock(ModelConfig config, WeightPath at, int layer, Positions positions)
    {
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        ILinear Linear(string name, long inputs, long outputs) =>
            at.Linear(name, inputs, outputs, initializer, hasBias: true, nameParts: 2);
        ILinear Input(string name) => Linear("attention.self." + name, hidden, hidden);
        AttentionShape shape = new(layer, config.HeadCount, config.HeadCount, config.HeadSize, 1 / Math.Sqrt(config.HeadSize));
        Attention attention = new(
            "attention", shape, new SeparateProjections(Input("query"), Input("key"), Input("value")),
            Linear("attention.output.dense", hidden, hidden), positions);
        FeedForward feedForward = new(
            "", Activations.Named(config.Activation), Linear("intermediate.dense", hidden, inner), Linear("output.dense", inner, hidden));
        return new PostNormBlock(
            attention, new LayerNormalization(at.At("attention.output.LayerNorm", nameParts: 3), hidden, config.NormEpsilon),
            feedForward, new LayerNormalization(at.At("output.LayerNorm", nameParts: 2), hidden, config.NormEpsilon));
    }
}
