using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Prm;

/// <summary>Process reward models: rows, loss, rules, and the stage.</summary>
[TestClass]
public sealed class PrmTests
{
    private static readonly StepRow[] Steps =
    [
        new() { Prompt = "the film", Completion = "was good\nwas bad\n", Labels = [true, false] },
        new() { Prompt = "a story", Completion = "was bad\nwas warm\nwas good", Labels = [false, true, true] },
        new() { Prompt = "the plot", Completion = "was bad", Labels = [false] },
        new() { Prompt = "the plot", Completion = "was warm\nwas bad", Labels = [true, false] },
    ];

    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Steps);

    [TestMethod]
    public void Steps_are_made_tokens_as_by_PRMTrainer()
    {
        TextTokenizer tokenizer = Tiny.Tokenizer;
        var texts = new StepTexts(tokenizer, "\n");
        int[] Ids(string text) => tokenizer.Encode(text, addSpecialTokens: false);
        int[] begin = tokenizer.BosTokenId is { } bos ? [bos] : [];
        int[] expected = [.. begin, .. Ids("the film"), .. Ids("was good"), .. Ids("\n"), .. Ids("bad"), .. Ids("\n")];
        StepTokens all = texts.Encode("the film", ["was good", "bad"], 100);
        CollectionAssert.AreEqual(expected, all.Ids);
        CollectionAssert.AreEqual(new[] { expected.Length - Ids("bad\n").Length - 1, expected.Length - 1 }, all.Ends);
        StepTokens cut = texts.Encode("the film", ["was good", "bad"], expected.Length - 1);
        CollectionAssert.AreEqual(expected[..^1], cut.Ids);
        CollectionAssert.AreEqual(all.Ends[..1], cut.Ends);
        int steps = expected.Length - begin.Length - Ids("the film").Length;
        CollectionAssert.AreEqual(expected[..^1], texts.Encode("the film", ["was good", "bad"], 100, steps - 1).Ids);
        CollectionAssert.AreEqual(new[] { "a", "", "b" }, texts.Split("a\n\nb\n"));
        CollectionAssert.AreEqual(new[] { "a", "b" }, texts.Split("a\nb"));
    }

    [TestMethod]
    public void The_loss_is_the_cross_entropy_of_the_labels_that_count_worked_by_hand() => Leaks.None(() =>
    {
        using SequenceClassifier model = Model();
        StepExample[] rows = [new(new([1, 2, 3, 4, 5], [2, 4]), [1, 0]), new(new([6, 7, 8], [2]), [0]), new(new([9, 8], [1]), [-100])];
        double expected = 0;
        foreach (StepExample row in rows[..2])
            for (int step = 0; step < row.Labels.Length; step++) // a step's score depends on what comes before it alone
            {
                using var scope = NewDisposeScope();
                int[] ids = row.Tokens.Ids[..(row.Tokens.Ends[step] + 1)];
                Tensor scores = model.Logits(tensor(Array.ConvertAll(ids, id => (long)id)).unsqueeze(0), [ids.Length]);
                float[] two = scores.data<float>().ToArray();
                expected += Math.Log(Math.Exp(two[0]) + Math.Exp(two[1])) - two[row.Labels[step]];
            }
        var progress = new Collected();
        new PrmLoop(model, new PrmOptions { MaxSteps = 1, LoggingSteps = 1 }, progress).Run(rows);
        Close.Absolute(expected / 3, progress.Reports[0]["loss"], 1e-5);
        Assert.AreEqual(10, progress.Reports[0].Tokens);
    });

    [TestMethod]
    public void The_gradient_is_the_finite_difference()
    {
        using SequenceClassifier model = Model();
        using var scope = NewDisposeScope();
        using TokenBatch batch = TokenBatch.Create([[1, 2, 3, 4, 5], [6, 7, 8]], [5, 3]);
        Tensor weight = model.Weights().Last().Value;
        Tensor Loss() => StepScorer.Logits(model, batch, [[2, 4], [2]]).log_softmax(-1).select(1, 0).sum();
        Loss().backward();
        float slope = weight.grad!.view(-1)[0].item<float>();
        float Moved(float by)
        {
            using var frozen = no_grad();
            weight.view(-1).narrow(0, 0, 1).add_(by);
            float value = Loss().item<float>();
            weight.view(-1).narrow(0, 0, 1).add_(-by);
            return value;
        }
        Close.Absolute((Moved(1e-2f) - Moved(-1e-2f)) / 2e-2, slope, (0.02 * Math.Abs(slope)) + 1e-3);
    }

    [TestMethod]
    public void One_batch_of_8_and_accumulation_of_smaller_ones_give_the_same_weights()
    {
        int[][] ids = Toys.Rows(5, 8, 4, 12);
        StepExample[] rows = [.. ids.Select((row, at) => new StepExample(
            new(row, at % 2 == 0 ? [1, row.Length - 1] : [row.Length - 1]), at % 2 == 0 ? [1, 0] : [1]))];
        float[] whole = Weights(8, 1);
        foreach ((int size, int accumulate) in new[] { (4, 2), (2, 4), (1, 8) })
            Close.Absolute(whole, Weights(size, accumulate), 1e-6);

        float[] Weights(int size, int accumulate)
        {
            using SequenceClassifier model = Model();
            new PrmLoop(model, new PrmOptions
            {
                MaxSteps = 2,
                Optim = OptimizerKind.Sgd,
                LearningRate = 0.05,
                PerDeviceTrainBatchSize = size,
                GradientAccumulationSteps = accumulate,
                TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
            }).Run(rows);
            return Toys.Flat(model.Weights());
        }
    }

    [TestMethod]
    public void A_fitted_stage_tells_right_steps_from_wrong_ones_and_is_saved_and_loaded()
    {
        var options = new PrmOptions { MaxSteps = 60, LearningRate = 1e-2, LrSchedulerType = LrSchedulerType.Constant, LoggingSteps = 1 };
        using StepRewardTransformer fitted = _ml.Trl().Prm(Tiny.Source(), options).Fit(Rows);
        Close.Below(0.3 * fitted.Reports[0]["loss"], fitted.Reports[^1]["loss"], "PRM loss");
        Assert.AreEqual(1, fitted.Reports[^1]["accuracy"]);
        float[][] scores = Scores(fitted, Rows);
        for (int row = 0; row < Steps.Length; row++)
            CollectionAssert.AreEqual(Steps[row].Labels, scores[row].Select(score => score > 0.5).ToArray());
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "prm.zip");
        _ml.Model.Save(fitted, Rows.Schema, path);
        using var loaded = (StepRewardTransformer)_ml.Model.Load(path, out _);
        Assert.AreEqual(("\n", "Score", 60), (loaded.StepSeparator, loaded.OutputColumnName, loaded.Reports.Count));
        float[][] again = Scores(loaded, Rows);
        for (int row = 0; row < Steps.Length; row++)
            CollectionAssert.AreEqual(scores[row], again[row]);
    }

    [TestMethod]
    public void Steps_beyond_the_context_get_NaN_and_a_warning()
    {
        List<string> log = [];
        _ml.Log += (_, message) => log.Add(message.Message);
        using StepRewardTransformer fitted = _ml.Trl().Prm(Tiny.Source(), new PrmOptions { MaxSteps = 1 }).Fit(Rows);
        string far = string.Join(' ', Enumerable.Repeat("good", 40));
        IDataView rows = _ml.Data.LoadFromEnumerable(new[] { new StepRow { Prompt = "a", Completion = "was good\n" + far } });
        float[] scores = Scores(fitted, rows).Single();
        Assert.IsTrue(float.IsFinite(scores[0]) && float.IsNaN(scores[1]));
        Assert.IsTrue(log.Exists(line => line.Contains("longer than the model's context of 32 tokens", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void The_last_step_alone_may_be_learnt_and_a_stage_follows_a_policy()
    {
        using var chain = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 1 })
            .Append(_ml.Trl().Prm(new PrmOptions { MaxSteps = 1, TrainOnLastStepOnly = true }, trainingData: Rows))
            .Fit(Rows);
        Assert.IsTrue(double.IsFinite(chain.LastTransformer.Reports[0]["loss"]));
        var reader = new StepReader(Rows, new PrmOptions { TrainOnLastStepOnly = true });
        List<StepExample> examples = reader.Read(Tiny.Tokenizer, 100, new RowCounts(), default);
        CollectionAssert.AreEqual(new[] { -100, -100, 1 }, examples[1].Labels);
    }

    [TestMethod]
    public void Cancelling_hands_out_what_was_reached()
    {
        using var source = new CancellationTokenSource();
        var progress = new Collected(_ => source.Cancel());
        PrmTrainer prm = _ml.Trl().Prm(Tiny.Source(), new PrmOptions { MaxSteps = 5, LoggingSteps = 1 }, null, progress, source.Token);
        var stop = Assert.ThrowsExactly<TrainingCanceledException>(() => prm.Fit(Rows));
        using var reached = (StepRewardTransformer)stop.Model!;
        Assert.HasCount(1, reached.Reports);
    }

    private static SequenceClassifier Model() =>
        SequenceClassifier.Create(ModelConfig.Gpt2(40, 16, 2, 2, 32, dropout: 0), ["LABEL_0", "LABEL_1"], seed: 3);

    private static float[][] Scores(StepRewardTransformer fitted, IDataView rows) =>
        [.. fitted.Transform(rows).GetColumn<float[]>("Score")];

    private sealed class StepRow
    {
        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";

        public bool[] Labels { get; set; } = [];
    }
}
