using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training.Evaluation;

/// <summary>
/// Callbacks of the caller's: when they are called, what they are told, what they may ask for, and what becomes of their errors.
/// </summary>
[TestClass]
public sealed class CallbackTests
{
    private static readonly SftOptions Four = new()
    {
        MaxSteps = 4, PerDeviceTrainBatchSize = 2, LearningRate = 1e-2, LoggingSteps = 2, Generation = Tiny.Greedy,
    };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void They_are_called_in_the_order_of_training()
    {
        List<string> calls = [];
        var progress = new Collected(report => calls.Add(
            report.Metrics.ContainsKey("eval_loss") ? $"evaluation {report.Step}" : $"report {report.Step}"));
        SftOptions options = Four with
        {
            EvalStrategy = EvalStrategy.Epoch, EvalOnStart = true, EvaluationData = Rows(), MaxSteps = 3, // 2 steps are a pass
            Callbacks = [new Watcher((hook, state, _) => calls.Add($"{hook} {state.Step}"))],
        };
        _ml.Trl().Sft(Tiny.Source(), options, progress: progress).Fit(Rows()).Dispose();
        CollectionAssert.AreEqual(
            new[]
            {
                "begin 0", "evaluation 0", "evaluated 0", "step 1", "step 2", "report 2", "evaluation 2", "evaluated 2", "step 3",
                "report 3", "evaluation 3", "evaluated 3", "end 3",
            },
            calls, string.Join(", ", calls));
    }

    [TestMethod]
    [DataRow(EvalStrategy.Steps, 3.0, new[] { 3, 6 })]
    [DataRow(EvalStrategy.Steps, 0.25, new[] { 2, 4, 6, 8 })]
    [DataRow(EvalStrategy.Steps, null, new[] { 5 })] // LoggingSteps
    [DataRow(EvalStrategy.Epoch, null, new[] { 3, 6, 8 })]
    [DataRow(EvalStrategy.No, null, new int[0])]
    public void Evaluations_come_when_the_strategy_says(EvalStrategy strategy, double? steps, int[] expected)
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        var progress = new Collected();
        SftOptions options = new()
        {
            MaxSteps = 8, PerDeviceTrainBatchSize = 2, LoggingSteps = 5, EvalStrategy = strategy, EvalSteps = steps,
        };
        new SftLoop(model, options, progress) { HeldOut = TinyModels.Texts(3) }.Run(TinyModels.Texts(6));
        StepReport[] evaluations = [.. progress.Reports.Where(report => report.Metrics.ContainsKey("eval_loss"))];
        CollectionAssert.AreEqual(expected, evaluations.Select(report => report.Step).ToArray());
        foreach (StepReport report in evaluations)
            Close.Absolute(report.Step / 3.0, report["epoch"], 1e-9);
    }

    [TestMethod]
    public void The_state_has_the_figures_of_now()
    {
        List<TrainingState> states = [];
        SftOptions options = Four with { EvalStrategy = EvalStrategy.Steps, EvaluationData = Rows(), EarlyStoppingPatience = 9 };
        options = options with { Callbacks = [new Watcher((_, state, _) => states.Add(state))] };
        using TextGenerationTransformer fitted = _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows());
        StepReport[] trained = [.. fitted.Reports.Where(report => !report.Metrics.ContainsKey("eval_loss"))];
        StepReport[] evaluated = [.. fitted.Reports.Where(report => report.Metrics.ContainsKey("eval_loss"))];
        TrainingState[] steps = [.. states.Where((_, at) => at is 1 or 2 or 4 or 5)]; // begin, 1, 2, evaluated, 3, 4, evaluated, end
        CollectionAssert.AreEqual(new[] { 1, 2, 3, 4 }, steps.Select(state => state.Step).ToArray());
        Assert.AreEqual(("SFT", 4, 0.5), (steps[0].Stage, steps[0].TotalSteps, steps[0].Epoch));
        Close.Absolute(trained[0]["loss"], steps[1].Metrics["loss"], 1e-12);
        Close.Absolute(trained[1]["loss"], steps[3].Metrics["loss"], 1e-12);
        Assert.IsEmpty(steps[1].Evaluation);
        Assert.AreEqual(evaluated[0]["eval_loss"], steps[2].Evaluation["eval_loss"]);
        Assert.AreEqual((evaluated[0]["eval_loss"], 2), (steps[2].BestMetric, steps[2].BestStep));
        Assert.IsNull(steps[1].BestStep);
    }

    [TestMethod]
    public void A_stop_ends_Fit_normally_with_what_was_reached_and_the_history_says_so()
    {
        SftOptions stopped = Four with { Callbacks = [At(3, (_, control) => control.StopTraining("enough"))] };
        using TextGenerationTransformer three = _ml.Trl().Sft(Tiny.Source(), stopped).Fit(Rows());
        CollectionAssert.AreEqual(new[] { 2, 3 }, three.Reports.Select(report => report.Step).ToArray());
        Assert.AreEqual("enough", three.Reports[^1].StopReason);
        CollectionAssert.AreEqual(WeightsAfter(3), Toys.Flat(three.Model.Network.Weights()));

        SftOptions atOnce = Four with { Callbacks = [new Watcher((hook, _, control) => Ask(hook == "begin", control.StopTraining))] };
        using TextGenerationTransformer none = _ml.Trl().Sft(Tiny.Source(), atOnce).Fit(Rows());
        Assert.AreEqual("a callback asked for it", none.Reports.Single().StopReason);
        using LanguageModel start = Tiny.Model();
        CollectionAssert.AreEqual(Toys.Flat(start.Network.Weights()), Toys.Flat(none.Model.Network.Weights()));
    }

    [TestMethod]
    public void A_callback_may_ask_for_a_report_and_an_evaluation_and_note_its_own_figures()
    {
        SftOptions options = Four with
        {
            EvaluationData = Rows(), LoggingSteps = 10,
            Callbacks =
            [
                At(1, (_, control) => control.Log()), At(3, (_, control) => control.Evaluate()),
                At(3, (_, control) => control.Note("mine", 7)),
            ],
        };
        using TextGenerationTransformer fitted = _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows());
        CollectionAssert.AreEqual(new[] { 1, 3, 4 }, fitted.Reports.Select(report => report.Step).ToArray());
        Assert.IsTrue(fitted.Reports[1].Metrics.ContainsKey("eval_mean_token_accuracy"));
        Assert.AreEqual(7, fitted.Reports[2]["mine"]);
    }

    [TestMethod]
    [DataRow("begin", 0)]
    [DataRow("step", 2)]
    [DataRow("evaluated", 3)]
    [DataRow("end", 4)]
    public void An_exception_carries_the_model_of_the_last_step(string hook, int step)
    {
        SftOptions options = Four with { EvalStrategy = EvalStrategy.Steps, EvalSteps = 3, EvaluationData = Rows() };
        options = options with
        {
            Callbacks = [new Watcher((at, state, _) => { if (at == hook && state.Step == step) throw new FormatException("odd"); })],
        };
        TrainingFailedException error = Assert.ThrowsExactly<TrainingFailedException>(
            () => _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows()));
        Assert.AreEqual(step, error.Step);
        Assert.Contains($"SFT ended after step {step}: the callback Watcher threw FormatException: odd", error.Message);
        using var model = (TextGenerationTransformer)error.Model!;
        CollectionAssert.AreEqual(WeightsAfter(step), Toys.Flat(model.Model.Network.Weights()));
    }

    [TestMethod]
    public void Cancelling_in_a_callback_or_an_evaluation_carries_the_model()
    {
        using var cancel = new CancellationTokenSource();
        SftOptions options = Four with
        {
            EvalStrategy = EvalStrategy.Steps, EvalSteps = 2, EvaluationData = Rows(), Callbacks = [At(2, (_, _) => cancel.Cancel())],
        };
        TrainingCanceledException error = Assert.ThrowsExactly<TrainingCanceledException>(
            () => _ml.Trl().Sft(Tiny.Source(), options, cancel: cancel.Token).Fit(Rows()));
        Assert.AreEqual(2, error.Step);
        using var model = (TextGenerationTransformer)error.Model!;
        CollectionAssert.AreEqual(WeightsAfter(2), Toys.Flat(model.Model.Network.Weights()));
    }

    [TestMethod]
    public void What_is_asked_for_at_the_wrong_time_is_refused()
    {
        TrainingControl? kept = null;
        PolicyView? policy = null;
        SftOptions options = Four with
        {
            Callbacks = [new Watcher((hook, state, control) => (kept, policy) = hook == "end" ? (kept, policy) : (control, state.Policy))],
        };
        _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows()).Dispose();
        foreach (Action late in new Action[] { () => kept!.StopTraining(), kept!.Evaluate, kept.Log, () => kept.Note("a", 1) })
            Assert.Contains("when nothing could be asked for", Assert.ThrowsExactly<InvalidOperationException>(late).Message);
        Assert.Contains(
            "asked after the call that it was given to",
            Assert.ThrowsExactly<InvalidOperationException>(() => policy!.Complete("the film")).Message);
        options = Four with { Callbacks = [At(1, (_, control) => control.Evaluate())] };
        TrainingFailedException error = Assert.ThrowsExactly<TrainingFailedException>(
            () => _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows()));
        Assert.Contains("there is nothing to evaluate on; set EvaluationData", error.Message);
        ((IDisposable)error.Model!).Dispose();
    }

    [TestMethod]
    public void A_callback_writes_with_the_policy_as_it_is_and_changes_nothing() => Leaks.None(() =>
    {
        string[] prompts = ["the film", "a"];
        Dictionary<int, string[]> written = [];
        SftOptions options = Four with { LearningRate = 5e-2 };
        SftOptions watched = options with
        {
            Callbacks = [new Watcher((_, state, _) => written[state.Step] = [.. state.Policy!.Complete(prompts)])],
        };
        using TextGenerationTransformer fitted = _ml.Trl().Sft(Tiny.Source(), watched).Fit(Rows());
        using TextGenerationTransformer plain = _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows());
        CollectionAssert.AreEqual(Toys.Flat(plain.Model.Network.Weights()), Toys.Flat(fitted.Model.Network.Weights()));
        using LanguageModel start = Tiny.Model();
        CollectionAssert.AreEqual(start.Complete(prompts, Tiny.Greedy).ToArray(), written[0]);
        CollectionAssert.AreEqual(plain.Model.Complete(prompts).ToArray(), written[4]);
    });

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private float[] WeightsAfter(int step)
    {
        SftOptions options = Four with
        {
            Callbacks = [new Watcher((hook, state, control) => Ask(state.Step == step && hook != "end", control.StopTraining))],
        };
        using TextGenerationTransformer fitted = _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows());
        return Toys.Flat(fitted.Model.Network.Weights());
    }

    private static void Ask(bool asks, Action<string?> ask)
    {
        if (asks)
            ask(null);
    }

    private static Watcher At(int step, Action<TrainingState, TrainingControl> act) => new((hook, state, control) =>
    {
        if (hook == "step" && state.Step == step)
            act(state, control);
    });

    private sealed class Watcher(Action<string, TrainingState, TrainingControl> told) : ITrainingCallback
    {
        public void OnTrainBegin(TrainingState state, TrainingControl control) => told("begin", state, control);

        public void OnStepEnd(TrainingState state, TrainingControl control) => told("step", state, control);

        public void OnEvaluate(TrainingState state, TrainingControl control) => told("evaluated", state, control);

        public void OnTrainEnd(TrainingState state, TrainingControl control) => told("end", state, control);
    }
}
