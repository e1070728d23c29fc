using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training.Evaluation;

/// <summary>Evaluation data as a user hands them over, stage by stage; and what completions they lead to.</summary>
[TestClass]
public sealed class EvaluatedStageTests
{
    private static readonly MLContext Ml = new(1);

    private delegate (ITransformer Model, IReadOnlyList<StepReport> Reports) Fitting(IDataView? evaluationData);

    private static readonly Dictionary<string, (Fitting Fit, string Figure)> Stages = new()
    {
        ["SFT"] = (data => Text(Ml.Trl().Sft(Tiny.Source(), Of(new SftOptions(), data))), "eval_mean_token_accuracy"),
        ["Reward"] = (data =>
        {
            RewardTransformer model = Ml.Trl().RewardModel(Tiny.Source(), Of(new RewardOptions(), data)).Fit(Rows());
            return (model, model.Reports);
        }, "eval_accuracy"),
        ["Classification"] = (data =>
        {
            TextClassificationTransformer model = Ml.Trl()
                .TextClassification(Tiny.Source(), Of(new TextClassificationOptions { LabelColumnName = "Kind" }, data)).Fit(Rows());
            return (model, model.Reports);
        }, "eval_accuracy"),
        ["PRM"] = (data =>
        {
            StepRewardTransformer model = Ml.Trl()
                .Prm(Tiny.Source(), Of(new PrmOptions { CompletionColumnName = "Steps" }, data)).Fit(Rows());
            return (model, model.Reports);
        }, "eval_accuracy"),
        ["DPO"] = (data => Text(Ml.Trl().Dpo(Tiny.Source(), Of(new DpoOptions(), data))), "eval_rewards/accuracies"),
        ["ORPO"] = (data => Text(Ml.Trl().Orpo(Tiny.Source(), Of(new OrpoOptions(), data))), "eval_log_odds_ratio"),
        ["CPO"] = (data => Text(Ml.Trl().Cpo(Tiny.Source(), Of(new CpoOptions(), data))), "eval_nll_loss"),
        ["KTO"] = (data => Text(Ml.Trl().Kto(Tiny.Source(), Of(new KtoOptions { LabelColumnName = "None" }, data))), "eval_kl"),
        ["Distill"] = (
            data => Text(Ml.Trl().Distill(Tiny.Source(), Tiny.Source(), Of(new DistillOptions(), data))), "eval_kd_loss"),
        ["GKD"] = (data => Text(Ml.Trl().Gkd(Tiny.Source(), Tiny.Source(), Of(new GkdOptions { Lmbda = 1 }, data))), "eval_loss"),
        ["BCO"] = (data => Text(Ml.Trl().Bco(Tiny.Source(), Of(new BcoOptions { LabelColumnName = "None" }, data))), "eval_delta"),
    };

    public static IEnumerable<object[]> Names => Stages.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void A_stage_measures_its_evaluation_data(string stage)
    {
        (ITransformer model, IReadOnlyList<StepReport> reports) = Stages[stage].Fit(Rows());
        using var owned = (IDisposable)model;
        CollectionAssert.AreEqual(
            new[] { 0, 2 }, reports.Where(report => report.Metrics.ContainsKey("eval_loss")).Select(report => report.Step).ToArray());
        Assert.IsTrue(double.IsFinite(reports[^1][Stages[stage].Figure]), string.Join(", ", reports[^1].Metrics.Keys));
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void What_is_wrong_with_the_evaluation_data_is_said_before_training(string stage)
    {
        string Message(IDataView? data) => Assert.ThrowsExactly<ArgumentException>(() => Stages[stage].Fit(data)).Message;
        Assert.StartsWith("EvaluationData: ", Message(Ml.Data.LoadFromEnumerable(new[] { new { Other = 1f } })));
        Assert.Contains("EvalStrategy is Steps, but there is nothing to evaluate on; set EvaluationData", Message(null));
    }

    [TestMethod]
    [DataRow("PPO")]
    [DataRow("GRPO")]
    [DataRow("RLOO")]
    [DataRow("experimental PPO")]
    [DataRow("iterative DPO")]
    public void A_stage_that_answers_prompts_scores_those_of_its_evaluation_data(string stage)
    {
        RewardFunction reward = RewardFunction.Of((_, answer) => answer.Length);
        GenerationOptions generation = new() { MaxNewTokens = 3 };
        var ppo = new PpoOptions
        {
            Steps = 4, BatchSize = 2, MiniBatchSize = 2, Generation = generation, EvalStrategy = EvalStrategy.Steps, EvalOnStart = true,
        };
        TextGenerationTransformer Fit(IDataView? data) => stage switch
        {
            "PPO" => Ml.Trl().Ppo(Tiny.Source(), reward, ppo with { EvalSteps = 2, EvaluationData = data }).Fit(Rows()),
            "GRPO" => Ml.Trl().Grpo(
                Tiny.Source(), [reward], Of(new GrpoOptions { NumGenerations = 2, Generation = generation }, data)).Fit(Rows()),
            "experimental PPO" => Ml.Trl().ExperimentalPpo(
                Tiny.Source(), reward, Of(new ExperimentalPpoOptions
                {
                    PerDeviceTrainBatchSize = 2, GradientAccumulationSteps = 1, NumMiniBatches = 1, Generation = generation,
                    NumCompletionsToPrint = 1,
                }, data)).Fit(Rows()),
            "iterative DPO" => Ml.Trl().IterativeDpo(
                Tiny.Source(), reward,
                new() { Dpo = Of(new DpoOptions(), data), Iterations = 1, NumOutputSequences = 4, Generation = generation }).Fit(Rows()),
            _ => Ml.Trl().Rloo(Tiny.Source(), [reward], Of(new RlooOptions { Generation = generation }, data)).Fit(Rows()),
        };
        using TextGenerationTransformer model = Fit(Rows());
        StepReport[] evaluations = [.. model.Reports.Where(report => report.Metrics.ContainsKey("eval_reward"))];
        CollectionAssert.AreEqual(new[] { 0, 2 }, evaluations.Select(report => report.Step).ToArray());
        Assert.HasCount(1, evaluations[0].Completions);
        string Message(IDataView? data) => Assert.ThrowsExactly<ArgumentException>(() => Fit(data)).Message;
        Assert.StartsWith("EvaluationData: ", Message(Ml.Data.LoadFromEnumerable(new[] { new { Other = 1f } })));
        Assert.Contains("EvalStrategy is Steps, but there is nothing to evaluate on; set EvaluationData", Message(null));
    }

    [TestMethod]
    public void What_cannot_be_compared_with_the_training_data_is_said()
    {
        string Message(Action fit) => Assert.ThrowsExactly<ArgumentException>(fit).Message;
        IDataView unanswered = Ml.Data.LoadFromEnumerable(new[] { new { Prompt = "a" } });
        Assert.Contains(
            "EvaluationData: Schema mismatch for completion column 'Completion'", // whoever writes what is learnt
            Message(() => Ml.Trl().Gkd(Tiny.Source(), Tiny.Source(), Of(new GkdOptions { Lmbda = 1 }, unanswered)).Fit(Rows())));
        IDataView one = Ml.Data.LoadFromEnumerable(new[] { new { Prompt = "a", Completion = " b", Label = true, Topic = new[] { 1f } } });
        Assert.Contains(
            "EvaluationData: There is one completion",
            Message(() => Ml.Trl().Kto(Tiny.Source(), Of(new KtoOptions(), one)).Fit(Labelled(2))));
        Assert.Contains(
            "PerDeviceEvalBatchSize (1) must be 2 or greater with LossType Kto",
            Message(() => Ml.Trl().Kto(Of(new KtoOptions { PerDeviceEvalBatchSize = 1 }, one))));
        IDataView fractions = Ml.Data.LoadFromEnumerable(new[] { new { Text = "a", Kind = 0.5f } });
        Assert.Contains(
            "EvaluationData: the column 'Kind' holds fractional numbers, that of the training data labels; give the same kind.",
            Message(() => Stages["Classification"].Fit(fractions)));
    }

    [TestMethod]
    public void A_win_rate_is_the_share_of_answers_that_a_judge_prefers_to_those_of_the_start()
    {
        string[] prompts = ["the film", "a", "the plot", "a story"];
        SftOptions options = new() { MaxSteps = 6, LearningRate = 0.1, Generation = Tiny.Greedy };
        using LanguageModel start = Tiny.Model();
        string[] before = [.. start.Complete(prompts, Tiny.Greedy)];
        int[] verdicts = [1, 0, -1, 1]; // the second is the policy's
        List<(string Prompt, string First, string Second)> asked = [];
        PairwiseJudge judge = PairwiseJudge.Of((prompt, first, second) =>
        {
            asked.Add((prompt, first, second));
            return verdicts[Array.IndexOf(prompts, prompt)];
        });
        SftOptions watched = options with
        {
            EvalStrategy = EvalStrategy.Steps, EvalSteps = 6, EvaluationData = Rows(), Callbacks = [new WinRateCallback(judge, prompts)],
        };
        using TextGenerationTransformer model = Ml.Trl().Sft(Tiny.Source(), watched).Fit(Rows());
        Assert.AreEqual(0.5, model.Reports[^1]["eval_win_rate"]);
        string[] after = [.. model.Model.Complete(prompts, Tiny.Greedy)];
        CollectionAssert.AreEqual(before, asked.Select(pair => pair.First).ToArray());
        CollectionAssert.AreEqual(after, asked.Select(pair => pair.Second).ToArray());
        CollectionAssert.AreEqual(before, model.Reports[^1].Completions.Select(sample => sample.Reference).ToArray());
        RewardOptions reward = new() { Callbacks = [new WinRateCallback(judge, prompts)] };
        TrainingFailedException error = Assert.ThrowsExactly<TrainingFailedException>(
            () => Ml.Trl().RewardModel(Tiny.Source(), reward).Fit(Rows()));
        Assert.Contains("Reward trains a model that writes nothing", error.Message);
        ((IDisposable)error.Model!).Dispose();
    }

    [TestMethod]
    public void Labels_that_were_not_learnt_are_named()
    {
        Row[] strange = [new() { Text = "a", Kind = "odd" }];
        string message = Assert.ThrowsExactly<ArgumentException>(
            () => Stages["Classification"].Fit(Ml.Data.LoadFromEnumerable(strange))).Message;
        Assert.Contains("EvaluationData: Row 0 has the label 'odd', which is none of those that are learnt: bad, good.", message);
    }

    [TestMethod]
    [DataRow("DPO", true)]
    [DataRow("CPO", false)]
    public void Policy_and_reference_write_at_each_evaluation(string stage, bool hasReference)
    {
        PreferenceOptions options = stage == "DPO" ? Of(new DpoOptions(), Rows()) : Of(new CpoOptions(), Rows());
        options = options with { GenerateDuringEval = true, PerDeviceEvalBatchSize = 3, LearningRate = 0.1, Generation = Tiny.Greedy };
        using TextGenerationTransformer model = options is DpoOptions dpo
            ? Ml.Trl().Dpo(Tiny.Source(), dpo).Fit(Rows())
            : Ml.Trl().Cpo(Tiny.Source(), (CpoOptions)options).Fit(Rows());
        StepReport[] evaluations = [.. model.Reports.Where(report => report.Metrics.ContainsKey("eval_loss"))];
        using LanguageModel start = Tiny.Model();
        string[] prompts = [.. Data.Take(3).Select(row => row.Prompt)], before = [.. start.Complete(prompts, Tiny.Greedy)];
        string[] after = [.. model.Model.Complete(prompts, Tiny.Greedy)];
        CollectionAssert.AreEqual(prompts, evaluations[1].Completions.Select(sample => sample.Prompt).ToArray());
        CollectionAssert.AreEqual(before, evaluations[0].Completions.Select(sample => sample.Completion).ToArray());
        CollectionAssert.AreEqual(after, evaluations[1].Completions.Select(sample => sample.Completion).ToArray());
        foreach ((SampleCompletion sample, string expected) in evaluations[1].Completions.Zip(before))
            Assert.AreEqual(hasReference ? expected : null, sample.Reference);
    }

    [TestMethod]
    public void A_callback_logs_completions_after_steps_or_evaluations()
    {
        string[] prompts = ["the film", "a", "the plot"];
        SftOptions options = new() { MaxSteps = 4, LoggingSteps = 4, LearningRate = 0.1, Generation = Tiny.Greedy };
        SftOptions counted = options with { Callbacks = [new LogCompletionsCallback(prompts, freq: 3, numPrompts: 2)] };
        using TextGenerationTransformer model = Ml.Trl().Sft(Tiny.Source(), counted).Fit(Rows());
        CollectionAssert.AreEqual(new[] { 3, 4 }, model.Reports.Select(report => report.Step).ToArray());
        CollectionAssert.AreEqual(prompts[..2], model.Reports[0].Completions.Select(sample => sample.Prompt).ToArray());
        Assert.IsEmpty(model.Reports[1].Completions);
        SftOptions evaluated = options with
        {
            EvalStrategy = EvalStrategy.Steps, EvalSteps = 4, EvaluationData = Rows(),
            Callbacks = [new LogCompletionsCallback(prompts, Tiny.Greedy with { MaxNewTokens = 3 })],
        };
        using TextGenerationTransformer other = Ml.Trl().Sft(Tiny.Source(), evaluated).Fit(Rows());
        CollectionAssert.AreEqual(
            other.Model.Complete(prompts, Tiny.Greedy with { MaxNewTokens = 3 }).ToArray(),
            other.Reports[^1].Completions.Select(sample => sample.Completion).ToArray());
        RewardOptions reward = new() { Callbacks = [new LogCompletionsCallback(prompts)] };
        TrainingFailedException error = Assert.ThrowsExactly<TrainingFailedException>(
            () => Ml.Trl().RewardModel(Tiny.Source(), reward).Fit(Rows()));
        Assert.Contains("Reward trains a model that writes nothing", error.Message);
        ((IDisposable)error.Model!).Dispose();
    }

    private static readonly Row[] Data =
    [
        .. Tiny.Pairs.Select((pair, at) => new Row
        {
            Prompt = pair.Prompt, Completion = pair.Completion, Chosen = pair.Chosen, Rejected = pair.Rejected, Text = pair.Prompt,
            Kind = at % 2 == 0 ? "good" : "bad", Steps = " was good\n was bad\n", Labels = [1, at % 2],
        }),
    ];

    private static IDataView Rows() => Ml.Data.LoadFromEnumerable(Data);

    private static IDataView Labelled(int rows) => Ml.Data.LoadFromEnumerable(Data.Take(rows).Select((row, at) => new
    {
        row.Prompt, Completion = row.Chosen, Label = at % 2 == 0, Topic = new[] { at, 1f },
    }));

    private static T Of<T>(T options, IDataView? data)
        where T : EpochOptions => (T)(options with
        {
            MaxSteps = 2, EvalStrategy = EvalStrategy.Steps, EvalSteps = 2, EvalOnStart = true, EvaluationData = data,
        });

    private static (ITransformer Model, IReadOnlyList<StepReport> Reports) Text(IEstimator<TextGenerationTransformer> trainer)
    {
        TextGenerationTransformer model = trainer.Fit(Rows());
        return (model, model.Reports);
    }

    private sealed class Row
    {
        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";

        public string Chosen { get; set; } = "";

        public string Rejected { get; set; } = "";

        public string Text { get; set; } = "";

        public string Kind { get; set; } = "";

        public string Steps { get; set; } = "";

        [VectorType(2)]
        public float[] Labels { get; set; } = [];
    }
}
