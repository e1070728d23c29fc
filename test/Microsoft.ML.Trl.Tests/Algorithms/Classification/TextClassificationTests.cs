using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Classification;

/// <summary>Text classification as a stage: trained, saved, loaded, from a folder, and as a reward.</summary>
[TestClass]
public sealed class TextClassificationTests
{
    private static readonly TextClassificationOptions Fast = new()
    {
        LearningRate = 1e-2, PerDeviceTrainBatchSize = 4, MaxSteps = 40, Seed = 1,
    };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void It_learns_which_label_a_text_has()
    {
        using TextClassificationTransformer model = Train(Labelled(positive => positive ? "good" : "bad"));
        CollectionAssert.AreEqual(new[] { "bad", "good" }, model.Labels.ToArray());
        Result[] results = Read(model.Transform(Texts()));
        CollectionAssert.AreEqual(
            Rows.Select(row => row.Positive ? "good" : "bad").ToArray(), results.Select(row => row.PredictedLabel).ToArray());
        foreach (Result row in results)
        {
            double[] odds = [.. row.Score.Select(score => Math.Exp(score))];
            Close.Absolute(odds.Select(one => (float)(one / odds.Sum())).ToArray(), row.Probability, 1e-5);
        }
        VBuffer<ReadOnlyMemory<char>> names = default;
        model.GetOutputSchema(Texts().Schema)["Probability"].GetSlotNames(ref names);
        CollectionAssert.AreEqual(new[] { "bad", "good" }, names.DenseValues().Select(name => name.ToString()).ToArray());
        Assert.AreEqual(1.0, model.Reports[^1].Metrics["accuracy"]);
        Assert.HasCount(4, model.Reports);
    }

    [TestMethod]
    public void Its_first_loss_is_the_smoothed_cross_entropy_of_the_starting_model()
    {
        using LanguageModel policy = Tiny.Model();
        using SequenceClassifier start = SequenceClassifier.FromModel(policy.Network, ["bad", "good"], Fast.Seed);
        using var noGrad = no_grad();
        double expected = 0;
        foreach ((string text, bool positive) in Rows)
        {
            int[] ids = policy.Tokenizer.Encode(text);
            float[] scores = start.Logits(tensor(ids.Select(id => (long)id).ToArray()).view(1, -1), [ids.Length]).data<float>().ToArray();
            double[] logs = [.. scores.Select(score => score - Math.Log(scores.Sum(one => Math.Exp(one))))];
            expected -= ((0.9 * logs[positive ? 1 : 0]) + (0.1 * logs.Average())) / Rows.Length;
        }
        using TextClassificationTransformer model = Train(
            Labelled(positive => positive ? "good" : "bad"),
            Fast with { MaxSteps = 1, PerDeviceTrainBatchSize = 3, GradientAccumulationSteps = 2, LabelSmoothingFactor = 0.1 });
        Assert.AreEqual(expected, model.Reports[0].Metrics["loss"], 1e-5);
    }

    [TestMethod]
    public void Labels_may_be_of_any_type()
    {
        Check(["false", "true"], Labelled(positive => positive));
        Check(["0", "1"], Labelled(positive => positive ? 1 : 0));
        Check(["0", "1"], Labelled(positive => positive ? 1u : 0u));
        IDataView keys = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(Labelled(positive => positive ? "good" : "bad"))
            .Transform(Labelled(positive => positive ? "good" : "bad"));
        Check(["bad", "good"], keys);

        void Check(string[] labels, IDataView rows)
        {
            using TextClassificationTransformer model = Train(rows);
            CollectionAssert.AreEqual(labels, model.Labels.ToArray());
            CollectionAssert.AreEqual(
                Rows.Select(row => labels[row.Positive ? 1 : 0]).ToArray(),
                Read(model.Transform(Texts())).Select(row => row.PredictedLabel).ToArray());
        }
    }

    [TestMethod]
    public void Fractional_numbers_are_learnt_as_numbers()
    {
        using TextClassificationTransformer model = Train(Labelled(positive => positive ? 1.5f : -0.5f), Fast with { MaxSteps = 100 });
        Assert.HasCount(1, model.Labels);
        foreach ((Result result, (_, bool positive)) in Read(model.Transform(Texts())).Zip(Rows))
            Assert.AreEqual(positive ? 1.5 : -0.5, result.Score[0], 0.2);
    }

    [TestMethod]
    public void Saved_and_loaded_it_classifies_alike_one_by_one_and_from_a_folder() => InFolder(folder =>
    {
        using TextClassificationTransformer model = Train(Labelled(positive => positive ? "good" : "bad"));
        model.BatchSize = 2;
        Result[] expected = Read(model.Transform(Texts()));
        string zip = Path.Combine(folder, "classifier.zip");
        _ml.Trl().Save(model, Texts().Schema, zip);
        using var loaded = (TextClassificationTransformer)_ml.Trl().Load(zip, out _);
        Assert.AreEqual(2, loaded.BatchSize);
        Equal(expected, Read(loaded.Transform(Texts())));
        Assert.HasCount(model.Reports.Count, loaded.Reports);
        using (var engine = _ml.Model.CreatePredictionEngine<TextRow, Result>(
            loaded, new PredictionEngineOptions { OwnsTransformer = false }))
            Equal(expected, [.. Rows.Select(row => engine.Predict(new TextRow { Text = row.Text }))]);
        string saved = Path.Combine(folder, "saved");
        model.SaveHuggingFace(saved);
        using TextClassificationTransformer opened = _ml.Trl().TextClassification(ModelSource.Folder(saved)).Fit(Texts());
        Equal(expected, Read(opened.Transform(Texts())));
        using TextClassificationTransformer shared = _ml.Trl().TextClassification(ModelSource.FromTransformer(loaded)).Fit(Texts());
        Equal(expected, Read(shared.Transform(Texts())));
    });

    [TestMethod]
    public void Trained_further_on_the_same_labels_it_keeps_its_head()
    {
        using TextClassificationTransformer first = Train(Labelled(positive => positive ? "good" : "bad"));
        TextClassificationOptions still = Fast with { MaxSteps = 1, LearningRate = 1e-9 };
        using TextClassificationTransformer second = _ml.Trl().TextClassification(ModelSource.FromTransformer(first), still)
            .Fit(Labelled(positive => positive ? "good" : "bad"));
        Result[] before = Read(first.Transform(Texts())), after = Read(second.Transform(Texts()));
        foreach ((Result left, Result right) in before.Zip(after))
            Close.Absolute(left.Score, right.Score, 1e-4);
        using TextClassificationTransformer others = _ml.Trl().TextClassification(ModelSource.FromModel(first.Model), Fast)
            .Fit(Labelled(positive => positive ? "yes" : "no"));
        CollectionAssert.AreEqual(new[] { "no", "yes" }, others.Labels.ToArray());
    }

    [TestMethod]
    public void PPO_takes_it_as_its_reward()
    {
        using TextClassificationTransformer judge = Train(Labelled(positive => positive ? "good" : "bad"));
        var options = new PpoOptions { Steps = 2, BatchSize = 2, MiniBatchSize = 2, Generation = Tiny.Greedy, NumCompletionsToPrint = 2 };
        using TextGenerationTransformer policy = _ml.Trl()
            .Ppo(Tiny.Source(), RewardFunction.FromTransformer(judge, "Score", 1), options)
            .Fit(_ml.Data.LoadFromEnumerable(Tiny.Pairs));
        SampleCompletion sample = policy.Reports[0].Completions[0];
        LabelPrediction expected = judge.Model.Classify([sample.Prompt + sample.Completion])[0];
        Assert.AreEqual(expected.Scores[1], sample.Score, 1e-5);
    }

    [TestMethod]
    public void Encoders_are_trained_as_decoders_are()
    {
        ModelConfig config = ModelConfig.Parse(
            $$"""
            {"model_type": "bert", "vocab_size": {{Tiny.Tokenizer.VocabularySize}}, "hidden_size": 16, "num_hidden_layers": 2,
             "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 32, "initializer_range": 0.2}
            """, "config.json");
        using var fresh = new TextClassifier(SequenceClassifier.Create(config, ["bad", "good"], seed: 3), Tiny.Tokenizer);
        using TextClassificationTransformer model = _ml.Trl().TextClassification(
                ModelSource.FromModel(fresh), Fast with { MaxSteps = 80, LearningRate = 5e-3 })
            .Fit(Labelled(positive => positive ? "good" : "bad"));
        CollectionAssert.AreEqual(
            Rows.Select(row => row.Positive ? "good" : "bad").ToArray(),
            Read(model.Transform(Texts())).Select(row => row.PredictedLabel).ToArray());
        string longText = string.Concat(Enumerable.Repeat("the film was good ", 20));
        Assert.HasCount(32, model.Model.Encode(longText));
        Assert.AreEqual(model.Model.Tokenizer.Encode(longText, addSpecialTokens: true)[^1], model.Model.Encode(longText)[^1]);
    }

    [TestMethod]
    public void A_text_without_a_token_gets_an_empty_label()
    {
        using TextClassificationTransformer model = Train(Labelled(positive => positive ? "good" : "bad"));
        List<string> warnings = [];
        _ml.Log += (_, log) =>
        {
            if (log.Kind == Runtime.ChannelMessageKind.Warning)
                warnings.Add(log.Message);
        };
        Result[] rows = Read(model.Transform(_ml.Data.LoadFromEnumerable(new TextRow[] { new() { Text = "" }, new() { Text = "good" } })));
        Assert.AreEqual("", rows[0].PredictedLabel);
        Assert.IsTrue(rows[0].Score.Concat(rows[0].Probability).All(float.IsNaN));
        Assert.AreNotEqual("", rows[1].PredictedLabel);
        Assert.Contains("no token", warnings.Single());
    }

    [TestMethod]
    public void A_step_leaves_no_tensor_behind()
    {
        IDataView rows = Labelled(positive => positive ? "good" : "bad");
        using (Train(rows, Fast with { MaxSteps = 2 })) { }
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (TextClassificationTransformer model = Train(rows, Fast with { MaxSteps = 5 }))
            model.Model.Classify(["a good film", "a bad film"]);
        Assert.AreEqual(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static (string Text, bool Positive)[] Rows { get; } =
    [
        ("the film was good and warm", true), ("the film was bad and cold", false), ("a good story", true), ("a bad story", false),
        ("the plot was rich and good", true), ("the plot was bad and thin", false),
    ];

    private TextClassificationTransformer Train(IDataView rows, TextClassificationOptions? options = null) =>
        _ml.Trl().TextClassification(Tiny.Source(), options ?? Fast).Fit(rows);

    private IDataView Labelled<T>(Func<bool, T> label) =>
        _ml.Data.LoadFromEnumerable(Rows.Select(row => new LabelRow<T> { Text = row.Text, Label = label(row.Positive) }).ToArray());

    private IDataView Texts() => _ml.Data.LoadFromEnumerable(Rows.Select(row => new TextRow { Text = row.Text }).ToArray());

    private Result[] Read(IDataView view) => [.. _ml.Data.CreateEnumerable<Result>(view, reuseRowObject: false)];

    private static void Equal(Result[] expected, Result[] actual)
    {
        foreach ((Result left, Result right) in expected.Zip(actual, (left, right) => (left, right)))
        {
            Assert.AreEqual(left.PredictedLabel, right.PredictedLabel);
            Close.Absolute(left.Score, right.Score, 1e-5);
            Close.Absolute(left.Probability, right.Probability, 1e-5);
        }
        Assert.HasCount(expected.Length, actual);
    }

    private static void InFolder(Action<string> act)
    {
        string folder = Directory.CreateTempSubdirectory("trl-").FullName;
        try
        {
            act(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private sealed class TextRow
    {
        public string Text { get; set; } = "";
    }

    private sealed class LabelRow<T>
    {
        public string Text { get; set; } = "";

        public T Label { get; set; } = default!;
    }

    private sealed class Result
    {
        public string PredictedLabel { get; set; } = "";

        public float[] Score { get; set; } = [];

        public float[] Probability { get; set; } = [];
    }
}
