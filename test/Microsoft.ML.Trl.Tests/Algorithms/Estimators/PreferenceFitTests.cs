using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>ORPO, CPO, KTO and BCO as stages of a pipeline.</summary>
[TestClass]
public sealed class PreferenceFitTests
{
    private static readonly SftOptions TwoSteps = new() { MaxSteps = 2, LearningRate = 1e-2 };

    private readonly MLContext _ml = new(1);

    public static IEnumerable<object[]> Methods => new[] { "Orpo", "Cpo", "Simpo", "Kto", "Bco" }.Select(method => new object[] { method });

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private IDataView Labelled => _ml.Data.LoadFromEnumerable(Tiny.Pairs.SelectMany(row => new LabelledRow[]
    {
        new() { Prompt = row.Prompt, Completion = row.Chosen, Label = true, Topic = [1, 0] },
        new() { Prompt = row.Prompt, Completion = row.Rejected, Label = false, Topic = [0, 1] },
    }));

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Training_raises_the_margin_and_lowers_the_loss(string method)
    {
        using TextGenerationTransformer fitted = Fit(method, 40, Rows);
        StepReport[] told = [.. fitted.Reports.Where(report => report.Metrics.ContainsKey("rewards/margins"))];
        Close.Above(told[0]["rewards/margins"] + 0.2, told[^1]["rewards/margins"], $"{method} margin");
        Close.Below(fitted.Reports[0]["loss"] - 0.1, fitted.Reports[^1]["loss"], $"{method} loss");
        Assert.AreEqual(Stage(method), fitted.Reports[0].Stage);
        PreferenceMetrics metrics = _ml.Trl().EvaluatePreferences(fitted, Rows);
        Assert.AreEqual(1, metrics.Accuracy, method);
    }

    [TestMethod]
    [DataRow("Kto")]
    [DataRow("Bco")]
    public void Labelled_completions_are_read_where_there_are_labels(string method)
    {
        using TextGenerationTransformer fitted = Fit(method, 30, Labelled);
        Close.Above(fitted.Reports[0]["rewards/margins"] + 0.2, fitted.Reports[^1]["rewards/margins"], $"{method} margin");
        Assert.AreEqual(1, _ml.Trl().EvaluatePreferences(fitted, Rows).Accuracy, method);
    }

    [TestMethod]
    public void Vectors_of_prompts_weigh_unwanted_completions()
    {
        var options = new BcoOptions { MaxSteps = 1, LearningRate = 1e-2, PromptEmbeddingColumnName = "Topic", MinDensityRatio = 0.01 };
        TextGenerationTransformer Fit(BcoOptions how) => _ml.Trl().Bco(Tiny.Source(), how).Fit(Labelled);
        using TextGenerationTransformer plain = Fit(options with { PromptEmbeddingColumnName = null }), weighed = Fit(options);
        Close.Below(plain.Reports[0]["loss"] - 0.01, weighed.Reports[0]["loss"], "unwanted ones answer other prompts");
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Encoder_decoders_learn_too(string method)
    {
        using TextGenerationTransformer fitted = Estimator(method, 30, source: TinyT5.Source()).Fit(Rows);
        Close.Below(fitted.Reports[0]["loss"] - 0.1, fitted.Reports[^1]["loss"], $"{method} loss");
        Assert.AreEqual(1, _ml.Trl().EvaluatePreferences(fitted, Rows, reference: TinyT5.Source()).Accuracy, method);
    }

    [TestMethod]
    [DataRow("Kto", 0.5)]
    [DataRow("Bco", 0.6931472)]
    public void An_adapter_begins_at_its_base_which_is_the_reference(string method, double loss)
    {
        var peft = new LoraOptions { TargetModules = [LoraOptions.AllLinear] };
        IEstimator<TextGenerationTransformer> estimator = method == "Kto"
            ? _ml.Trl().Kto(Tiny.Source(), Quick(new KtoOptions { Peft = peft }, 30))
            : _ml.Trl().Bco(Tiny.Source(), Quick(new BcoOptions { Peft = peft }, 30));
        using TextGenerationTransformer fitted = estimator.Fit(Rows);
        Close.Absolute(loss, fitted.Reports[0]["loss"], 1e-5);
        Close.Below(loss - 0.01, fitted.Reports[^1]["loss"], method);
    }

    [TestMethod]
    public void Stages_chain_answer_and_are_saved_and_loaded()
    {
        using var folder = new TemporaryFolder();
        using var chain = _ml.Trl().Sft(Tiny.Source(), TwoSteps with { Generation = Tiny.Greedy })
            .Append(_ml.Trl().Orpo(new OrpoOptions { MaxSteps = 1 }))
            .Append(_ml.Trl().Cpo(new CpoOptions { MaxSteps = 1 }))
            .Append(_ml.Trl().Kto(new KtoOptions { MaxSteps = 1 }))
            .Append(_ml.Trl().Bco(new BcoOptions { MaxSteps = 1 }))
            .Fit(Rows);
        string path = Path.Combine(folder.Path, "chain.zip");
        _ml.Model.Save(chain, Rows.Schema, path);
        ITransformer loaded = _ml.Model.Load(path, out _);
        IDataView prompts = _ml.Data.LoadFromEnumerable(new[] { new Tiny.PromptRow { Prompt = "the film" } });
        string[] expected = [.. chain.Transform(prompts).GetColumn<string>("Completion")];
        CollectionAssert.AreEqual(expected, loaded.Transform(prompts).GetColumn<string>("Completion").ToArray());
        Assert.AreEqual(chain.LastTransformer.Model.Complete("the film"), expected[0]);
        (loaded as IDisposable)?.Dispose();
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Cancelling_hands_out_what_was_reached(string method)
    {
        using var source = new CancellationTokenSource();
        var progress = new Collected(_ => source.Cancel());
        var stop = Assert.ThrowsExactly<TrainingCanceledException>(() => Estimator(method, 5, progress, cancel: source.Token).Fit(Rows));
        using var reached = (TextGenerationTransformer)stop.Model!;
        Assert.HasCount(1, reached.Reports);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Two_fits_with_the_same_seed_give_equal_weights_and_leave_the_start_alone(string method)
    {
        using TextGenerationTransformer start = _ml.Trl().Sft(Tiny.Source(), TwoSteps).Fit(Rows);
        float[] before = Weights(start);
        IEstimator<TextGenerationTransformer> estimator = Estimator(method, 2, source: ModelSource.FromTransformer(start));
        using TextGenerationTransformer first = estimator.Fit(Rows), second = estimator.Fit(Rows);
        CollectionAssert.AreEqual(Weights(first), Weights(second));
        CollectionAssert.AreEqual(before, Weights(start));
        CollectionAssert.AreNotEqual(before, Weights(first));
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Columns_that_are_missing_are_named_before_and_at_the_fit(string method)
    {
        IDataView prompts = _ml.Data.LoadFromEnumerable(new[] { new Tiny.PromptRow { Prompt = "the film" } });
        string role = method is "Kto" or "Bco" ? "completion" : "chosen";
        IEstimator<TextGenerationTransformer> estimator = Estimator(method, 1);
        var nothing = _ml.Transforms.CopyColumns("Q", "Prompt");
        foreach (Action bad in new Action[] { () => estimator.Fit(prompts), () => nothing.Append(estimator).Fit(prompts) })
            Assert.Contains($"Schema mismatch for {role} column", Assert.Throws<ArgumentOutOfRangeException>(bad).Message);
        Assert.IsNotNull(nothing.Append(estimator).Fit(Rows).LastTransformer);
    }

    [TestMethod]
    public void Labels_that_are_none_are_refused()
    {
        string Message<T>(T row, KtoOptions? options = null) where T : class => Assert.Throws<ArgumentException>(() =>
            _ml.Trl().Kto(Tiny.Source(), options ?? new KtoOptions { MaxSteps = 1 }).Fit(_ml.Data.LoadFromEnumerable([row, row]))).Message;
        Assert.Contains("Row 0: the label is 2; it must be true or 1", Message(new { Prompt = "a", Completion = "b", Label = 2f }));
        Assert.Contains(
            "Schema mismatch for label column 'Label': expected Boolean or a number, got",
            Message(new { Prompt = "a", Completion = "b", Label = "good" }));
        Assert.Contains(
            "'Label': expected Boolean or a number, but there is no such column", Message(new { Prompt = "a", Completion = "b" }));
    }

    [TestMethod]
    public void Pairs_have_no_prompts_of_their_own_kind_to_describe()
    {
        var options = new BcoOptions { MaxSteps = 1, PromptEmbeddingColumnName = "Topic" };
        BcoTrainer bco = _ml.Trl().Bco(Tiny.Source(), options);
        Assert.Contains("The data have pairs", Assert.ThrowsExactly<ArgumentException>(() => bco.Fit(Rows)).Message);
        IDataView wrong = _ml.Data.LoadFromEnumerable(new[] { new { Prompt = "a", Completion = "b", Label = true, Topic = "c" } });
        Assert.Contains(
            "Schema mismatch for promptEmbedding column 'Topic': expected a vector of Single, got String. Set PromptEmbeddingColumnName",
            Assert.Throws<ArgumentOutOfRangeException>(() => bco.Fit(wrong)).Message);
    }

    private TextGenerationTransformer Fit(string method, int steps, IDataView rows) => Estimator(method, steps).Fit(rows);

    private IEstimator<TextGenerationTransformer> Estimator(
        string method, int steps, IProgress<StepReport>? progress = null, ModelSource? source = null, CancellationToken cancel = default)
    {
        source ??= Tiny.Source();
        return method switch
        {
            "Orpo" => _ml.Trl().Orpo(source, Quick(new OrpoOptions(), steps), null, progress, cancel),
            "Cpo" => _ml.Trl().Cpo(source, Quick(new CpoOptions(), steps), null, progress, cancel),
            "Simpo" => _ml.Trl().Cpo(
                source, Quick(new CpoOptions { LossType = CpoLossType.Simpo, CpoAlpha = 0, Beta = 2 }, steps), null, progress, cancel),
            "Kto" => _ml.Trl().Kto(source, Quick(new KtoOptions(), steps), null, null, progress, cancel),
            _ => _ml.Trl().Bco(source, Quick(new BcoOptions(), steps), null, null, progress, cancel),
        };
    }

    private static T Quick<T>(T options, int steps) where T : PreferenceOptions => options with
    {
        MaxSteps = steps,
        LearningRate = 2e-2,
        PerDeviceTrainBatchSize = 4,
        LoggingSteps = 1,
        LrSchedulerType = LrSchedulerType.Constant,
        TrainSamplingStrategy = TrainSamplingStrategy.Random,
        Generation = Tiny.Greedy,
    };

    private static string Stage(string method) => method == "Simpo" ? "CPO" : method.ToUpperInvariant();

    private static float[] Weights(TextGenerationTransformer transformer) =>
        [.. transformer.Model.Network.Weights().SelectMany(weight => weight.Value.data<float>().ToArray())];

    private sealed class LabelledRow
    {
        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";

        public bool Label { get; set; }

        [VectorType(2)]
        public float[] Topic { get; set; } = [];
    }
}
