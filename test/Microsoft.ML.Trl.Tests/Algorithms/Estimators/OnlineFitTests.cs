using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>The stages that compare answers of the policy, from rows to a transformer.</summary>
[TestClass]
public sealed class OnlineFitTests
{
    private static readonly GenerationOptions Answers = new() { MaxNewTokens = 6, Temperature = 0.9 };

    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private IDataView ManyRows => _ml.Data.LoadFromEnumerable(Enumerable.Repeat(Tiny.Pairs, 8).SelectMany(pairs => pairs));

    /// <summary>Wants as many letters "o" as can be.</summary>
    private static int Os(string text) => text.Count(letter => letter == 'o');

    private static readonly PairwiseJudge MoreOs = PairwiseJudge.Of((_, first, second) => Os(second).CompareTo(Os(first)) switch
    {
        < 0 => 0,
        > 0 => 1,
        _ => -1,
    });

    private static readonly RewardFunction CountsOs = RewardFunction.Of((_, completion) => Os(completion));

    [TestMethod]
    [DataRow("OnlineDpo")]
    [DataRow("Xpo")]
    [DataRow("NashMd")]
    public void A_judge_of_texts_teaches_what_it_likes(string method)
    {
        using TextGenerationTransformer fitted = Estimator(method, MoreOs, 60).Fit(Rows);
        using TextGenerationTransformer plain = _ml.Trl().TextGeneration(Tiny.Source(), Answers).Fit(Rows);
        Close.Above(MeanOs(plain) + 1, MeanOs(fitted), $"{method}: letters o in an answer");
        StepReport last = fitted.Reports[^1];
        Assert.AreEqual((60, 60), (last.Step, last.TotalSteps));
        Assert.HasCount(2, last.Completions);
        Assert.IsTrue(last.Completions.All(sample => Tiny.Pairs.Any(pair => pair.Prompt == sample.Prompt)));
    }

    [TestMethod]
    public void A_reward_is_a_judge_and_its_scores_are_reported()
    {
        using TextGenerationTransformer fitted = Estimator("OnlineDpo", CountsOs, 40).Fit(Rows);
        double Mean(IEnumerable<StepReport> reports) => reports.Average(report => report["objective/scores"]);
        Close.Above(Mean(fitted.Reports.Take(8)) + 0.5, Mean(fitted.Reports.TakeLast(8)), "scores");
        SampleCompletion sample = fitted.Reports[^1].Completions[0];
        Close.Absolute(Os(sample.Completion), sample.Score, 0);
    }

    [TestMethod]
    public void The_nearest_reward_model_upstream_compares_and_scores_the_new_answers()
    {
        var online = new OnlineDpoOptions { MaxSteps = 2, PerDeviceTrainBatchSize = 2, Generation = Answers, LoggingSteps = 1 };
        var iterative = new IterativeDpoOptions
        {
            Iterations = 1, NumOutputSequences = 3, Generation = Answers, Dpo = new() { MaxSteps = 1, PerDeviceTrainBatchSize = 2 },
        };
        using var chain = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 1 })
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 }))
            .Append(_ml.Trl().OnlineDpo(online))
            .Append(_ml.Trl().IterativeDpo(iterative))
            .Fit(Rows);
        Tiny.ScoredAnswer[] answers = [.. _ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(chain.Transform(Rows), false)];
        Assert.HasCount(Tiny.Pairs.Length, answers);
        Assert.IsTrue(answers.All(answer => float.IsFinite(answer.Score) && answer.Completion.Length > 0));
    }

    [TestMethod]
    [DataRow("OnlineDpo")]
    [DataRow("Xpo")]
    [DataRow("NashMd")]
    [DataRow("IterativeDpo")]
    public void An_adapter_begins_at_its_base_which_is_the_reference(string method)
    {
        var peft = new LoraOptions { TargetModules = [LoraOptions.AllLinear] };
        using TextGenerationTransformer fitted = method == "IterativeDpo"
            ? Iterative(CountsOs, peft).Fit(Rows)
            : Estimator(method, CountsOs, 3, options => options with { Peft = peft }).Fit(Rows);
        Close.Absolute(0, fitted.Reports[0]["rewards/margins"], 1e-5);
        Assert.IsNotNull(fitted.Model.Network.Adapters);
    }

    [TestMethod]
    public void Answers_of_encoder_decoders_are_compared_too()
    {
        foreach (string method in new[] { "OnlineDpo", "Xpo", "NashMd" })
        {
            using TextGenerationTransformer fitted = Estimator(method, MoreOs, 2, source: TinyT5.Source()).Fit(Rows);
            Assert.IsTrue(double.IsFinite(fitted.Reports[^1]["loss"]), method);
            Close.Absolute(0, fitted.Reports[0]["rewards/margins"], 1e-4, method);
        }
    }

    [TestMethod]
    public void Iterative_DPO_raises_the_score_and_hands_out_what_it_reached_when_cancelled()
    {
        using TextGenerationTransformer fitted = Iterative(CountsOs, null, 3).Fit(ManyRows);
        StepReport[] reports = [.. fitted.Reports];
        Close.Above(reports[0]["objective/scores"] + 0.5, reports[^1]["objective/scores"], "scores");
        Assert.HasCount(1, reports[0].Completions);
        using var source = new CancellationTokenSource();
        var stop = Assert.ThrowsExactly<TrainingCanceledException>(() => _ml.Trl().IterativeDpo(
            Tiny.Source(), CountsOs, Options(null, 3), progress: new Collected(_ => source.Cancel()), cancel: source.Token).Fit(Rows));
        using var reached = (TextGenerationTransformer)stop.Model!;
        Assert.HasCount(1, reached.Reports);
    }

    [TestMethod]
    public void Options_without_effect_are_named()
    {
        List<string> log = [];
        MLContext ml = new(1);
        ml.Log += (_, message) => log.Add(message.Message);
        IterativeDpoOptions options = Options(null, 1);
        options = options with
        {
            Generation = options.Generation with { LengthPenalty = 2 },
            Dpo = options.Dpo with { MaxSteps = 1, ChosenColumnName = "Better" },
        };
        ml.Trl().IterativeDpo(Tiny.Source(), CountsOs, options).Fit(ManyRows).Dispose();
        Assert.IsTrue(log.Any(line => line.Contains(
            "Options without effect in this run: ChosenColumnName and RejectedColumnName of Dpo, whose pairs are made of answers; "
            + "LengthPenalty of Generation without NumBeams.", StringComparison.Ordinal)));
        var online = new OnlineDpoOptions { MaxSteps = 1, Generation = Answers with { LengthPenalty = 2 } };
        ml.Trl().OnlineDpo(Tiny.Source(), MoreOs, online).Fit(Rows).Dispose();
        Assert.IsTrue(log.Any(line => line.Contains(
            "Options without effect in this run: LengthPenalty of Generation without NumBeams.", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_judge_that_fails_hands_out_what_was_reached()
    {
        int calls = 0;
        PairwiseJudge judge = PairwiseJudge.Of((_, _, _) => ++calls > 4 ? throw new TimeoutException("the judge sleeps") : 0);
        var error = Assert.ThrowsExactly<RewardFunctionException>(() => Estimator("NashMd", judge, 3).Fit(Rows));
        using var reached = (TextGenerationTransformer)error.Model!;
        Assert.AreEqual((2, 1), (error.Step, reached.Reports.Count));
    }

    [TestMethod]
    public void Options_go_through_JSON_by_the_names_of_TRL()
    {
        Same(new OnlineDpoOptions { Beta = [0.1, 0.2], LossType = PairLossType.Ipo, MissingEosPenalty = 1 }, "\"ipo\"");
        Same(new XpoOptions { Alpha = [1e-5, 0] }, "\"sigmoid\"");
        Same(new NashMdOptions { MixtureCoef = [0.25] }, "\"MixtureCoef\":[0.25]");
        Same(new IterativeDpoOptions { SamplingPairedMethod = SamplingPairedMethod.MaxMin, Dpo = new() { Beta = 0.2 } }, "\"max_min\"");
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<NashMdOptions>("""{"Mixture":0.2}"""));
        var defaults = new OnlineDpoOptions().Validated();
        Assert.AreEqual(
            (5e-7, 64, 512, 0.9, 0.1, PairLossType.Sigmoid, (double?)null),
            (defaults.LearningRate, defaults.Generation.MaxNewTokens, defaults.MaxLength, defaults.Generation.Temperature,
                defaults.Beta.Single(), defaults.LossType, defaults.MissingEosPenalty));
        Assert.AreEqual((1e-5, 0.5), (new XpoOptions().Alpha.Single(), new NashMdOptions().MixtureCoef.Single()));

        static void Same<T>(T options, string part)
        {
            string json = JsonSerializer.Serialize(options);
            Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<T>(json)));
            StringAssert.Contains(json, part);
        }
    }

    private static double MeanOs(TextGenerationTransformer model) => Enumerable.Range(0, 40).Average(
        draw => Os(model.Model.Complete("the film", Answers with { Seed = draw })));

    private IEstimator<TextGenerationTransformer> Estimator(
        string method, PairwiseJudge judge, int steps, Func<OnlinePairOptions, OnlinePairOptions>? change = null,
        ModelSource? source = null)
    {
        ModelSource start = source ?? Tiny.Source();
        OnlinePairOptions Quick(OnlinePairOptions options)
        {
            options = options with
            {
                MaxSteps = steps, PerDeviceTrainBatchSize = 4, LearningRate = 1e-2, LoggingSteps = 1, Generation = Answers,
                LrSchedulerType = LrSchedulerType.Constant, NumCompletionsToPrint = 2, MaxLength = 32,
            };
            return change?.Invoke(options) ?? options;
        }
        return method switch
        {
            "Xpo" => _ml.Trl().Xpo(start, judge, (XpoOptions)Quick(new XpoOptions())),
            "NashMd" => _ml.Trl().NashMd(start, judge, (NashMdOptions)Quick(new NashMdOptions())),
            _ => _ml.Trl().OnlineDpo(start, judge, (OnlineDpoOptions)Quick(new OnlineDpoOptions())),
        };
    }

    private IterativeDpoTrainer Iterative(RewardFunction reward, LoraOptions? peft, int iterations = 1) =>
        _ml.Trl().IterativeDpo(Tiny.Source(), reward, Options(peft, iterations));

    private static IterativeDpoOptions Options(LoraOptions? peft, int iterations) => new()
    {
        Iterations = iterations, NumOutputSequences = 8, Generation = Answers, SamplingPairedMethod = SamplingPairedMethod.MaxMin,
        Dpo = new()
        {
            MaxSteps = 12, PerDeviceTrainBatchSize = 4, LearningRate = 5e-3, LoggingSteps = 1, Peft = peft,
            LrSchedulerType = LrSchedulerType.Constant,
        },
    };
}
