using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training.Evaluation;

/// <summary>Which step is best, how long to wait for a better one, and its weights.</summary>
[TestClass]
public sealed class BestModelTests
{
    private static readonly SftOptions Judged = new()
    {
        EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, LoadBestModelAtEnd = true, MaxSteps = 8, LearningRate = 0.1, MaxGradNorm = 0,
        PerDeviceTrainBatchSize = 2, LoggingSteps = 1, LrSchedulerType = LrSchedulerType.Constant,
    };

    [TestMethod]
    [DataRow(null, null, 0.0, 2, new[] { 0, 0, 1, 0, 1, 2, 0 })]         // losses: the smaller, the better
    [DataRow("loss", true, 0.0, 2, new[] { 0, 1, 0, 1, 2, 3, 4 })]
    [DataRow("eval_loss", null, 0.15, 2, new[] { 0, 0, 1, 2, 3, 4, 0 })] // by 0.1 is not enough, though it becomes the best
    public void Waiting_is_counted_by_the_rules_of_transformers(
        string? metric, bool? greater, double threshold, int patience, int[] waited)
    {
        double[] losses = [2.0, 1.0, 2.5, 0.9, 0.9, 1.1, 0.5];
        var best = new BestModel(new SftOptions
        {
            MetricForBestModel = metric, GreaterIsBetter = greater, EarlyStoppingThreshold = threshold, EarlyStoppingPatience = patience,
        });
        for (int i = 0; i < losses.Length; i++)
        {
            best.IsBest(i + 1, new Dictionary<string, double> { ["loss"] = losses[i] });
            Assert.AreEqual(waited[i], best.Record.Waited, $"evaluation {i + 1}");
            Assert.AreEqual(waited[i] >= patience, best.StopReason is not null);
        }
        Assert.AreEqual(greater == true ? (2.5, 3) : (0.5, 7), (best.Record.Metric, best.Record.Step));
    }

    [TestMethod]
    public void No_number_is_never_the_best_and_a_figure_that_is_not_there_is_named()
    {
        var best = new BestModel(new SftOptions { EarlyStoppingPatience = 2, MetricForBestModel = "accuracy" });
        Assert.IsTrue(new SftOptions { MetricForBestModel = "accuracy" }.LargerIsBetter);
        Assert.IsFalse(best.IsBest(1, new Dictionary<string, double> { ["accuracy"] = double.NaN }));
        Assert.IsTrue(best.IsBest(2, new Dictionary<string, double> { ["accuracy"] = 0 }));
        Assert.Contains(
            "MetricForBestModel (accuracy) is none of what is measured: entropy, loss.",
            Assert.ThrowsExactly<ArgumentException>(
                () => best.IsBest(3, new Dictionary<string, double> { ["loss"] = 1, ["entropy"] = 2 })).Message);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void The_fitted_weights_are_those_of_the_best_step(bool adapter) => Leaks.None(() =>
    {
        SftOptions options = adapter ? Judged with { LearningRate = 0.3, MaxSteps = 6 } : Judged;
        (List<StepReport> reports, float[] best) = Train(options, adapter);
        double[] losses = [.. reports.Where(report => report.Metrics.ContainsKey("eval_loss")).Select(report => report["eval_loss"])];
        int step = Array.IndexOf(losses, losses.Min()) + 1;
        Assert.IsInRange(1, options.MaxSteps - 1, step, $"the losses {string.Join(", ", losses)} fall to the end");
        (_, float[] there) = Train(options with { LoadBestModelAtEnd = false, Callbacks = [new StopAt(step)] }, adapter);
        CollectionAssert.AreEqual(there, best);
        (_, float[] last) = Train(options with { LoadBestModelAtEnd = false }, adapter);
        CollectionAssert.AreNotEqual(last, best);
    });

    [TestMethod]
    public void Patience_ends_the_run_and_the_last_report_says_why()
    {
        (List<StepReport> reports, _) = Train(Judged with { EarlyStoppingPatience = 1, MaxSteps = 30 }, adapter: false);
        StepReport last = reports[^1];
        Assert.IsLessThan(30, last.Step);
        Assert.Contains("(EarlyStoppingPatience)", last.StopReason!);
        Assert.Contains($"of step {last.Step - 1} in 1 evaluation ", last.StopReason!);
        Assert.IsTrue(reports.SkipLast(1).All(report => report.StopReason is null));
    }

    [TestMethod]
    public void A_figure_that_the_method_lacks_ends_the_run_with_the_model_of_the_step()
    {
        TrainingFailedException error = Assert.ThrowsExactly<TrainingFailedException>(
            () => Train(Judged with { MetricForBestModel = "rewards/margins" }, adapter: false));
        Assert.AreEqual(1, error.Step);
        Assert.Contains("the evaluation threw ArgumentException: MetricForBestModel (rewards/margins)", error.Message);
    }

    private static (List<StepReport> Reports, float[] Weights) Train(SftOptions options, bool adapter)
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        if (adapter)
            PeftExtensions.AddNamed(model, new LoraOptions(), 1);
        var progress = new Collected();
        new SftLoop(model, options, progress) { HeldOut = TinyModels.Texts(6, seed: 5) }.Run(TinyModels.Texts(12));
        return (progress.Reports, Toys.Flat(model.Everything()));
    }

    private sealed class StopAt(int step) : ITrainingCallback
    {
        public void OnStepEnd(TrainingState state, TrainingControl control)
        {
            if (state.Step == step)
                control.StopTraining();
        }
    }
}
