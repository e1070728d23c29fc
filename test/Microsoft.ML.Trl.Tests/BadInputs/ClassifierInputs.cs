using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Classifiers: networks, texts, training and what is made of them.</summary>
internal static class ClassifierInputs
{
    private const string Stage = "TextClassificationTrainer.Fit", Catalog = "TrlCatalog.TextClassification";
    private const string Made = "TextClassificationTransformer";

    private static readonly string[] Labels = ["bad", "good"];

    private static readonly Lazy<SequenceClassifier> MadeNetwork = new(() => SequenceClassifier.Create(Config, Labels, 1));

    private static readonly Lazy<TextClassificationTransformer> MadeTransformer = new(() =>
        Ml.Trl().TextClassification(Source()).Fit(Texts));

    private static SequenceClassifier Classifier => MadeNetwork.Value;

    private static TextClassificationTransformer Transformer => MadeTransformer.Value;

    private static IDataView Texts => Ml.Data.LoadFromEnumerable(new[] { new Row { Text = "a good film", Label = "good" } });

    private static IDataView Numbers => Ml.Data.LoadFromEnumerable(new[] { new NumberRow { Text = 1, Label = double.NaN } });

    public static IEnumerable<BadInput> All() =>
        [.. Networks(), .. Encoders(), .. Classifying(), .. Options(), .. Columns(), .. Rows(), .. Models(), .. Transforming()];

    private static IEnumerable<BadInput> Networks() =>
    [
        Null("SequenceClassifier.Create", "config", () => SequenceClassifier.Create(null!, Labels, 1)),
        Null("SequenceClassifier.Create", "labels", () => SequenceClassifier.Create(Config, null!, 1)),
        .. new[] { [], [""], ["a", "a"], new string[] { null! } }.Select(labels => Of<ArgumentException>(
            "SequenceClassifier.Create", () => SequenceClassifier.Create(Config, labels, 1), ["labels are [", "a name of its own"],
            $"labels: {string.Join('|', labels.Select(label => label ?? "null"))}, {labels.Length}")),
        Of<InvalidDataException>(
            "SequenceClassifier.Create", () => SequenceClassifier.Create(Config with { HeadCount = 0 }, Labels, 1),
            ["number of heads is 0"]),
        Null("SequenceClassifier.FromModel", "model", () => SequenceClassifier.FromModel(null!, Labels, 1)),
        Null("SequenceClassifier.FromModel", "labels", () => SequenceClassifier.FromModel(Network, null!, 1)),
        Of<ArgumentException>("SequenceClassifier.FromModel", () => SequenceClassifier.FromModel(Network, [], 1), ["labels are []"]),
        Of<ObjectDisposedException>(
            "SequenceClassifier.FromModel", () => SequenceClassifier.FromModel(DisposedNetwork(), Labels, 1), ["gpt2 model"]),
        Of<ArgumentException>("SequenceClassifier.Copy", () => Classifier.Copy(type: ScalarType.Int32), ["type is Int32", "Float32"]),
        Of<ArgumentException>("SequenceClassifier.Copy", () => Classifier.Copy(META), ["device is meta", "cpu"]),
        Null("SequenceClassifier.Logits", "ids", () => Classifier.Logits(null!, [1])),
        Null("SequenceClassifier.Logits", "lengths", () => Classifier.Logits(Ids(1, 2), null!)),
        Logits(() => Classifier.Logits(Ids(1, 2), [3]), "from 1 to 2", "[3]"),
        Logits(() => Classifier.Logits(Ids(1, 2), [0]), "from 1 to 2", "[0]"),
        Logits(() => Classifier.Logits(Ids(1, 2), [1, 1]), "each of the 1 rows", "[1, 1]"),
        Logits(() => Classifier.Logits(Ids(2), [1]), "[batch, length]"),
        Logits(() => Classifier.Logits(Ids(1, 2) + 40, [2]), "40", "0 to 39"),
        Logits(() => Classifier.Logits(Ids(1, 2), [2], Ids(1, 2)), "gpt2 model knows no kinds of tokens"),
        Logits(() => Classifier.Logits(Ids(1, 33), [33]), "33 tokens", "context holds 32"),
    ];

    private static IEnumerable<BadInput> Encoders()
    {
        const string bert = """
            {"model_type": "bert", "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 16, "max_position_embeddings": 32}
            """;
        ModelConfig config = ModelConfig.Parse(bert, "config.json");
        var encoder = new Lazy<SequenceClassifier>(() => SequenceClassifier.Create(config, Labels, 1));
        return
        [
            Of<NotSupportedException>("CausalLanguageModel.Create", () => CausalLanguageModel.Create(config, 1), ["encoder, which writes"]),
            Of<NotSupportedException>("RewardModel.Create", () => RewardModel.Create(config, 1), ["encoder", "TextClassification"]),
            Logits(() => encoder.Value.Logits(Ids(1, 2), [2], Ids(1, 3)), "tokenTypes", "[1, 2]", "[1, 3]"),
            Logits(() => encoder.Value.Logits(Ids(1, 2), [2], Ids(1, 2) + 2), "tokenTypes", "2", "0 to 1"),
            Logits(() => encoder.Value.Logits(Ids(1, 2), [2], ones(1, 2)), "tokenTypes", "int64", "Float32"),
            Logits(() => encoder.Value.Logits(Ids(1, 33), [33]), "The sequence has 33 tokens", "context holds 32"),
        ];
    }

    private static IEnumerable<BadInput> Classifying()
    {
        static SequenceClassifier Small() => SequenceClassifier.Create(ModelConfig.Gpt2(4, 16, 1, 2, 8), Labels, 1);
        return
        [
            Null("TextClassifier.#ctor", "network", () => _ = new TextClassifier(null!, Tiny.Tokenizer)),
            Null("TextClassifier.#ctor", "tokenizer", () => _ = new TextClassifier(Classifier, null!)),
            Of<ArgumentException>(
                "TextClassifier.#ctor", () => _ = new TextClassifier(Small(), Tiny.Tokenizer), ["vocabulary has 4", "belong together"]),
            Of<ArgumentException>("TextClassifier.Load", () => TextClassifier.Load(""), ["empty", "folder"]),
            Of<DirectoryNotFoundException>("TextClassifier.Load", () => TextClassifier.Load("no-such-folder"), ["'no-such-folder'"]),
            Of<ArgumentException>("HuggingFaceFolder.LoadClassifier", () => HuggingFaceFolder.LoadClassifier(""), ["empty", "folder"]),
            Of<DirectoryNotFoundException>(
                "HuggingFaceFolder.LoadClassifier", () => HuggingFaceFolder.LoadClassifier("no-such-folder"), ["'no-such-folder'"]),
            Null("HuggingFaceFolder.Save", "model", () => HuggingFaceFolder.Save("x", (SequenceClassifier)null!)),
            Of<ArgumentException>("HuggingFaceFolder.Save", () => HuggingFaceFolder.Save("", Classifier), ["empty", "folder"]),
            Null("TextClassifier.Classify", "texts", () => Transformer.Model.Classify((string[])null!)),
            Of<ArgumentException>("TextClassifier.Classify", () => Transformer.Model.Classify(["a", null!]), ["Text 1 is null"]),
            Of<ArgumentException>("TextClassifier.Classify", () => Transformer.Model.Classify(["a", ""]), ["Text 1 has no token"]),
            Of<ObjectDisposedException>("TextClassifier.Classify", () => Gone().Model.Classify(["a"]), ["TextClassifier"]),
            Of<ArgumentException>("TextClassifier.Copy", () => Transformer.Model.Copy(META), ["device is meta", "cpu"]),
            Of<ArgumentException>("TextClassifier.Save", () => Transformer.Model.Save(""), ["empty", "folder"]),
        ];
    }

    private static IEnumerable<BadInput> Options()
    {
        static BadInput Wrong<T>(TextClassificationOptions options, params string[] words)
            where T : Exception =>
            Of<T>(Catalog, () => Ml.Trl().TextClassification(Tiny.Source(), options), words, string.Join(", ", words));
        return
        [
            Null(Catalog, "source", () => Ml.Trl().TextClassification(null!)),
            Null(Catalog, "options", () => Ml.Trl().TextClassification(Tiny.Source(), (TextClassificationOptions)null!)),
            Wrong<ArgumentOutOfRangeException>(new() { MaxLength = 0 }, "MaxLength (0)", "1 or greater"),
            Wrong<ArgumentOutOfRangeException>(new() { LabelSmoothingFactor = 1 }, "LabelSmoothingFactor (1)", "below 1"),
            Wrong<ArgumentException>(new() { TextColumnName = "" }, "TextColumnName is empty"),
            Wrong<ArgumentException>(new() { LabelColumnName = " " }, "LabelColumnName is empty"),
            Wrong<ArgumentException>(new() { PredictedLabelColumnName = null! }, "PredictedLabelColumnName is empty"),
            Wrong<ArgumentException>(new() { ScoreColumnName = "" }, "ScoreColumnName is empty"),
            Wrong<ArgumentException>(new() { ProbabilityColumnName = "" }, "ProbabilityColumnName is empty"),
            Wrong<ArgumentException>(new() { Labels = [] }, "Labels are []"),
            Wrong<ArgumentException>(new() { Labels = ["a", "a"] }, "Labels are [a, a]", "a name of its own"),
            Wrong<ArgumentOutOfRangeException>(new() { LearningRate = double.NaN }, "LearningRate (NaN)"),
            Of<ArgumentException>(
                Catalog, () => Ml.Trl().TextClassification(Tiny.Source(), textColumnName: ""), ["TextColumnName is empty"]),
        ];
    }

    private static IEnumerable<BadInput> Columns()
    {
        TextClassificationOptions q = new() { TextColumnName = "Q" }, labels = new() { LabelColumnName = "Q" };
        var vectors = Ml.Transforms.Concatenate("V", "Label").Fit(Numbers).Transform(Texts0());
        return
        [
            Null(Stage, "input", () => Train(null!)),
            Null("TextClassificationTrainer.GetOutputSchema", "inputSchema", () => Trainer(new()).GetOutputSchema(null!)),
            Null("TextClassificationEstimator.Fit", "input", () => Ml.Trl().TextClassification(Source()).Fit(null!)),
            Null(
                "TextClassificationEstimator.GetOutputSchema", "inputSchema",
                () => Ml.Trl().TextClassification(Source()).GetOutputSchema(null!)),
            Of<ArgumentOutOfRangeException>(Stage, () => Train(Texts, q), ["text column 'Q'", "there is no such column", "Set Text"]),
            Of<ArgumentOutOfRangeException>(
                Stage, () => Train(Texts, labels), ["label column 'Q'", "there is no such", "Set LabelColumnName"]),
            Of<ArgumentOutOfRangeException>(Stage, () => Train(Numbers), ["text column 'Text'", "expected Text, got Double"]),
            Of<ArgumentOutOfRangeException>(
                Stage, () => Train(vectors, new() { LabelColumnName = "V" }), ["label column 'V'", "a key, Boolean or a number", "Vector"]),
            Of<ArgumentOutOfRangeException>(
                "TextClassificationEstimator.Fit", () => Ml.Trl().TextClassification(Source(), "Q").Fit(Texts), ["text column 'Q'"]),
            Promise("Q", new() { TextColumnName = "Q" }, "text column 'Q'"), Promise("label", labels, "label column 'Q'"),
            Promise("vector", new() { LabelColumnName = "V" }, "label column 'V'", "Vector"),
        ];

        IDataView Texts0() => Ml.Data.LoadFromEnumerable(new[] { new TextNumberRow { Text = "a good film", Label = 1 } });

        BadInput Promise(string name, TextClassificationOptions options, params string[] words) => Of<ArgumentOutOfRangeException>(
            "TextClassificationTrainer.GetOutputSchema",
            () => Ml.Transforms.CopyColumns("Copied", "Label").Append(Ml.Transforms.Concatenate("V", "Label"))
                .Append(Trainer(options)).Fit(Texts0()),
            words, "promise of " + name);
    }

    private static IEnumerable<BadInput> Rows()
    {
        static IDataView Of(params (string Text, string Label)[] rows) =>
            Ml.Data.LoadFromEnumerable(rows.Select(row => new Row { Text = row.Text, Label = row.Label }));
        static IDataView Numbered(double label) =>
            Ml.Data.LoadFromEnumerable(new[] { new TextNumberRow { Text = "a film", Label = label } });
        return
        [
            Row(() => Train(Of()), "no rows"), Row(() => Train(Of(("a", "x"), ("b", "x"))), "All rows have the label 'x'", "at least two"),
            Row(() => Train(Of(("a", "x"), ("b", ""))), "Row 1 has no label", "'Label'"),
            Row(() => Train(Of(("", "x"), ("", "y"))), "None of the 2 rows", "no token"),
            Row(
                () => Train(Of(("a", "x"), ("b", "z")), new() { Labels = ["x", "y"] }), "Row 1 has the label 'z'", "Labels are [x, y]"),
            Row(() => Train(Numbered(double.NaN)), "Row 0 has the label NaN", "finite numbers"),
            Row(() => Train(Numbered(1.5), new() { Labels = ["x", "y"] }), "Labels names 2 labels", "fractional"),
        ];

        static BadInput Row(Action act, params string[] words) => Of<ArgumentException>(Stage, act, words, string.Join(", ", words));
    }

    private static IEnumerable<BadInput> Models() =>
    [
        Null("ModelSource.FromModel", "model", () => ModelSource.FromModel((TextClassifier)null!)),
        Of<ArgumentException>(
            "TextClassificationEstimator.Fit", () => Ml.Trl().TextClassification(Tiny.Source()).Fit(Texts),
            ["language model, which has no labels", "TextClassificationOptions"]),
        Of<ArgumentException>(
            "SftTrainer.Fit", () => Ml.Trl().Sft(Source()).Fit(Ml.Data.LoadFromEnumerable(Tiny.Pairs)),
            ["holds a classifier, which writes nothing"]),
        Of<ArgumentException>(
            "RewardScoringEstimator.Fit", () => Ml.Trl().RewardScoring(Source()).Fit(Ml.Data.LoadFromEnumerable(Tiny.Pairs)),
            ["holds a classifier", "RewardFunction.FromTransformer"]),
    ];

    private static IEnumerable<BadInput> Transforming() =>
    [
        Null(Made + ".Transform", "input", () => Transformer.Transform(null!)),
        Null(Made + ".GetOutputSchema", "inputSchema", () => Transformer.GetOutputSchema(null!)),
        Null(Made + ".GetRowToRowMapper", "inputSchema", () => Transformer.GetRowToRowMapper(null!)),
        Of<ArgumentOutOfRangeException>(Made + ".Transform", () => Transformer.Transform(Numbers), ["text column 'Text'", "got Double"]),
        Of<ArgumentOutOfRangeException>(
            Made + ".GetOutputSchema", () => Transformer.GetOutputSchema(Numbers.Schema), ["text column 'Text'", "got Double"]),
        Of<ArgumentOutOfRangeException>(
            Made + ".GetRowToRowMapper", () => Transformer.GetRowToRowMapper(Numbers.Schema), ["text column 'Text'", "got Double"]),
        Of<ArgumentOutOfRangeException>(Made + ".BatchSize", () => Transformer.BatchSize = 0, ["BatchSize (0)", "1 or greater"]),
        Of<ArgumentException>(Made + ".SaveHuggingFace", () => Transformer.SaveHuggingFace(""), ["empty", "folder"]),
        Of<ObjectDisposedException>(Made + ".SaveHuggingFace", () => Gone().SaveHuggingFace("x"), ["TextClassifier"]),
    ];

    private static BadInput Logits(Action act, params string[] words) =>
        Of<ArgumentException>("SequenceClassifier.Logits", act, words, string.Join(", ", words));

    private static Tensor Ids(params long[] shape) => zeros(shape, ScalarType.Int64);

    private static ModelSource Source() =>
        ModelSource.FromModel(new TextClassifier(SequenceClassifier.Create(Tiny.Config(), Labels, 1), Tiny.Tokenizer));

    private static TextClassificationTrainer Trainer(TextClassificationOptions options) =>
        Ml.Trl().TextClassification(Tiny.Source(), options);

    private static void Train(IDataView rows, TextClassificationOptions? options = null) => Trainer(options ?? new()).Fit(rows);

    private static TextClassificationTransformer Gone()
    {
        TextClassificationTransformer gone = Ml.Trl().TextClassification(Source()).Fit(Texts);
        gone.Dispose();
        return gone;
    }

    private sealed class Row
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
    }

    private sealed class NumberRow
    {
        public double Text { get; set; }

        public double Label { get; set; }
    }

    private sealed class TextNumberRow
    {
        public string Text { get; set; } = "";

        public double Label { get; set; }
    }
}
