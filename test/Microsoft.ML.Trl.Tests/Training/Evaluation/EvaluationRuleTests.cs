using System.Text.Json;
using Microsoft.ML.Trl.Evaluation;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training.Evaluation;

/// <summary>What holds of evaluations during training, whatever the method.</summary>
[TestClass]
public sealed class EvaluationRuleTests
{
    /// <summary>Figures that only training has, or that an evaluation gathers in another way.</summary>
    private static readonly string[] OfTraining = ["grad_norm", "learning_rate", "num_tokens", "epoch", "on_policy"];

    public static IEnumerable<object[]> Methods => EvaluatedMethods.Names;

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Evaluating_leaves_training_bit_equal_and_no_tensor_alive(string method) => Leaks.None(() =>
    {
        MethodRun without = EvaluatedMethods.Train(method, options => options, heldOut: null);
        MethodRun with = EvaluatedMethods.Train(method, options => EverySteps(options, 1) with { EvalOnStart = true });
        CollectionAssert.AreEqual(without.Weights, with.Weights);
        StepReport[] trained = [.. with.Reports.Where(report => !report.Metrics.ContainsKey("eval_loss"))];
        Assert.HasCount(6, with.Reports.Except(trained).ToArray());
        foreach ((StepReport one, StepReport other) in without.Reports.Zip(trained, (one, other) => (one, other)))
            CollectionAssert.AreEquivalent(one.Metrics.ToArray(), other.Metrics.ToArray());
    });

    [TestMethod]
    public void Evaluating_between_steps_with_dropout_and_noise_leaves_them_bit_equal()
    {
        float[] Weights(bool evaluates)
        {
            using CausalLanguageModel model = TinyModels.Gpt2(dropout: 0.3);
            SftOptions options = new() { MaxSteps = 4, LearningRate = 1e-2, NeftuneNoiseAlpha = 5, Peft = null };
            new SftLoop(model, evaluates ? (SftOptions)EverySteps(options, 1) : options)
            {
                HeldOut = evaluates ? TinyModels.Texts(5, seed: 3) : null,
            }.Run(TinyModels.Texts(10));
            return TinyModels.Flat(model.Weights());
        }
        CollectionAssert.AreEqual(Weights(false), Weights(true));
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void The_figures_do_not_depend_on_the_batch_size(string method)
    {
        if (method == "Kto")
            return; // it compares completions of a batch, as in TRL
        Dictionary<string, double> Of(int batch) => EvaluatedMethods.Train(
            method, options => EverySteps(options, 3) with { PerDeviceEvalBatchSize = batch }).Evaluation(3);
        Dictionary<string, double> whole = Of(EvaluatedMethods.HeldOut), parts = Of(2);
        CollectionAssert.AreEquivalent(whole.Keys, parts.Keys);
        foreach ((string name, double value) in whole)
            Close.Absolute(value, parts[name], 2e-5, $"{method} {name}");
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Before_the_first_step_they_are_what_a_step_over_the_same_rows_reports(string method)
    {
        IReadOnlyDictionary<string, double> step = EvaluatedMethods.OneStep(method, seed: 2).Reports[0].Metrics;
        Dictionary<string, double> measured = EvaluatedMethods.Train(
            method, options => EverySteps(options, 5) with { EvalOnStart = true }).Evaluation(0);
        CollectionAssert.AreEquivalent(step.Keys.Except(OfTraining).ToArray(), measured.Keys.ToArray());
        foreach ((string name, double value) in measured)
            Close.Absolute(step[name], value, 2e-5, $"{method} {name}");
    }

    [TestMethod]
    public void Language_modelling_figures_are_those_of_the_evaluator()
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        List<TokenExample> heldOut = TinyModels.Texts(9, seed: 3);
        var progress = new Collected();
        SftOptions options = new() { MaxSteps = 3, LearningRate = 1e-2, PerDeviceEvalBatchSize = 2 };
        new SftLoop(model, (SftOptions)EverySteps(options, 3), progress) { HeldOut = heldOut }.Run(TinyModels.Texts(10));
        LanguageModelMetrics expected = LanguageModelEvaluator.Evaluate(model, heldOut, 4, default);
        StepReport told = progress.Reports[^1];
        Close.Absolute(expected.Loss, told["eval_loss"], 1e-5);
        Close.Absolute(expected.TokenAccuracy, told["eval_mean_token_accuracy"], 1e-6);
        Close.Absolute(expected.Entropy, told["eval_entropy"], 1e-5);
        Assert.AreEqual(progress.Reports[^2].Tokens, told.Tokens); // what is only measured is no token that was learnt
    }

    [TestMethod]
    public void Rewards_of_pairs_are_those_of_the_evaluator()
    {
        using CausalLanguageModel model = TinyModels.Gpt2(), start = TinyModels.Gpt2();
        List<PreferenceExample> heldOut = TinyModels.Pairs(9, seed: 3);
        var progress = new Collected();
        DpoOptions options = new() { MaxSteps = 3, LearningRate = 1e-2, PerDeviceEvalBatchSize = 2 };
        new DpoLoop(model, null, (DpoOptions)EverySteps(options, 3), progress) { HeldOut = heldOut }.Run(TinyModels.Pairs(10));
        PreferenceMetrics expected = PreferenceEvaluator.Evaluate(model, start, heldOut, options, default);
        StepReport told = progress.Reports[^1];
        Close.Absolute(expected.Accuracy, told["eval_rewards/accuracies"], 1e-6);
        Close.Absolute(expected.Margin, told["eval_rewards/margins"], 1e-5);
    }

    [TestMethod]
    public void A_method_that_measures_nothing_says_so()
    {
        var run = new TrainingRun("Other", 3, new SftOptions { EvalStrategy = EvalStrategy.Epoch }, null, default);
        Assert.Contains(
            "Other does not evaluate during training; set EvalStrategy to No",
            Assert.ThrowsExactly<NotSupportedException>(() => run.Run([], _ => { })).Message);
        run = new TrainingRun("Other", 3, new SftOptions { LoadBestModelAtEnd = true, EvalStrategy = EvalStrategy.Epoch }, null, default)
        {
            HeldOut = new HeldOutSet(1, (_, _) => { }),
        };
        Assert.Contains(
            "Other cannot go back to its best weights; set LoadBestModelAtEnd to false",
            Assert.ThrowsExactly<NotSupportedException>(() => run.Run([], _ => { })).Message);
    }

    [TestMethod]
    public void Data_and_callbacks_are_no_part_of_the_options_JSON()
    {
        SftOptions options = new()
        {
            EvalStrategy = EvalStrategy.Epoch, EvalSteps = 0.5, MetricForBestModel = "accuracy", Callbacks = [new Nothing()],
            EvaluationData = new MLContext(1).Data.LoadFromEnumerable(Tiny.Pairs),
        };
        string json = JsonSerializer.Serialize(options);
        Assert.Contains("\"EvalStrategy\":\"epoch\"", json);
        SftOptions read = JsonSerializer.Deserialize<SftOptions>(json)!.Validated();
        Assert.AreEqual(json, JsonSerializer.Serialize(read));
        Assert.IsNull(read.EvaluationData);
        Assert.IsEmpty(read.Callbacks);
    }

    private sealed class Nothing : ITrainingCallback;

    private static EpochOptions EverySteps(EpochOptions options, int steps) =>
        options with { EvalStrategy = EvalStrategy.Steps, EvalSteps = steps };
}
