using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Rollouts;

[TestClass]
public sealed class RewardLogTests
{
    private static readonly PpoOptions Short = new() { Steps = 8, BatchSize = 4, MiniBatchSize = 2, Generation = Tiny.Greedy };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void What_a_reward_tells_is_in_the_reports_of_ppo()
    {
        RewardFunction reward = RewardFunction.Of(row =>
        {
            row.LogExtra("tokens", row.CompletionIds.Count);
            row.LogExtra("half", 0.5);
            row.LogExtra("nothing", null);
            row.LogMetric("row", row.Row);
            row.LogMetric("step", row.Step);
            return row.Row;
        });
        var progress = new Collected();
        using TextGenerationTransformer policy = _ml.Trl().Ppo(Tiny.Source(), reward.Named("own"), Short, progress: progress).Fit(Rows());
        Assert.HasCount(2, progress.Reports);
        for (int step = 1; step <= 2; step++)
        {
            StepReport report = progress.Reports[step - 1];
            Close.Absolute(1.5, report["row"], 1e-12, "four rows, each once in a step");
            Close.Absolute(step, report["step"], 1e-12);
            SampleCompletion sample = report.Completions[0];
            Assert.IsGreaterThan(0, int.Parse(sample.Extra["tokens"], System.Globalization.CultureInfo.InvariantCulture));
            Assert.AreEqual(("0.5", ""), (sample.Extra["half"], sample.Extra["nothing"]));
            Assert.AreEqual(sample.Score, sample.Rewards["own"]);
            Assert.IsNull(sample.Advantage);
        }
    }

    [TestMethod]
    public void A_null_ends_ppo_with_advice()
    {
        RewardFunction reward = RewardFunction.Of(row => row.Row > 0 ? 1.0 : null);
        RewardFunctionException error = Assert.Throws<RewardFunctionException>(
            () => _ml.Trl().Ppo(Tiny.Source(), reward, Short).Fit(Rows()));
        Assert.Contains("PPO can leave no response out. Give a number, such as 0", error.Message);
        ((IDisposable)error.Model!).Dispose();
    }

    [TestMethod]
    public void An_evaluation_leaves_out_what_a_reward_does_not_apply_to()
    {
        RewardFunction some = RewardFunction.Of(row => row.Row > 1 ? row.Row : null), none = RewardFunction.Of(_ => null);
        Close.Absolute(2.5, _ml.Trl().EvaluateGeneration(Tiny.Source(), Rows(), some, generation: Tiny.Greedy).MeanScore, 1e-12);
        Assert.IsTrue(double.IsNaN(_ml.Trl().EvaluateGeneration(Tiny.Source(), Rows(), none, generation: Tiny.Greedy).MeanScore));
    }

    [TestMethod]
    public void Outside_of_training_nothing_happens()
    {
        RewardRow row = Asked.Row("text");
        row.LogExtra("column", 1);
        row.LogMetric("metric", 1);
        Assert.AreEqual(Asked.Row("text").Completion, row.Completion);
    }

    [TestMethod]
    public void The_last_value_of_a_column_counts_and_metrics_are_means()
    {
        var log = new RewardLog();
        Parallel.For(0, 100, row => log.Metric("a", row));
        log.Extra(3, "b", "first");
        log.Extra(3, "b", "last");
        Close.Absolute(49.5, log.Metrics()["a"], 1e-12);
        Assert.AreEqual("last", log.Extras(3)["b"]);
        Assert.IsEmpty(log.Extras(2));
    }

    [TestMethod]
    public void Models_and_columns_give_their_names()
    {
        using var folder = new TemporaryFolder();
        using RewardTransformer made = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows());
        Assert.AreEqual("reward_model", RewardFunction.FromModel(made.Model).Name);
        Assert.AreEqual("reward_model", RewardFunction.FromTransformer(made).Name);
        Assert.AreEqual("Length", RewardFunction.FromTransformer(made, "Length").Name);
        string path = Path.Combine(folder.Path, "my-judge");
        made.Model.Save(path);
        using TextRewardModel loaded = TextRewardModel.Load(path + Path.DirectorySeparatorChar);
        Assert.AreEqual("my-judge", RewardFunction.FromModel(loaded).Name);
    }

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);
}
