using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training.Evaluation;

/// <summary>Methods that learn from rewards are evaluated by the mean reward of their answers to held-out prompts.</summary>
[TestClass]
public sealed class AnswerEvaluationTests
{
    private static readonly PpoOptions Quick = new()
    {
        Steps = 12, BatchSize = 4, MiniBatchSize = 4, LearningRate = 1e-2,
        Generation = new() { MaxNewTokens = 5, EosTokenIds = [] },
    };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Before_the_first_step_it_is_the_mean_score_of_the_starting_model()
    {
        Question[] held =
            [new() { Prompt = "the film", Want = "good" }, new() { Prompt = "a", Want = "bad" }, new() { Prompt = "the plot" }];
        PpoOptions options = Quick with
        {
            Generation = Tiny.Greedy, EvalOnStart = true, EvaluationData = _ml.Data.LoadFromEnumerable(held), PerDeviceEvalBatchSize = 2,
            NumCompletionsToPrint = 3,
        };
        // the columns of the row are those of the held-out data
        RewardFunction reward = RewardFunction.Of<Question>((row, answer) => answer.Completion.Length + (100 * row.Want.Length));
        using TextGenerationTransformer fitted = _ml.Trl().Ppo(Tiny.Source(), reward, options).Fit(Rows());
        using LanguageModel start = Tiny.Model();
        IReadOnlyList<string> answers = start.Complete([.. held.Select(row => row.Prompt)], Tiny.Greedy);
        StepReport told = fitted.Reports[0];
        Assert.AreEqual(0, told.Step);
        Close.Absolute(held.Zip(answers, (row, answer) => answer.Length + (100.0 * row.Want.Length)).Average(), told["eval_reward"], 1e-9);
        CollectionAssert.AreEqual(answers.ToArray(), told.Completions.Select(sample => sample.Completion).ToArray());
        Assert.AreEqual(held[0].Prompt, told.Completions[0].Prompt);
    }

    [TestMethod]
    public void Evaluating_leaves_sampled_training_bit_equal_and_the_best_weights_come_back() => Leaks.None(() =>
    {
        PpoOptions options = Quick with { Steps = 6 * Quick.BatchSize };
        (_, float[] plain) = Train(options, evaluates: false);
        PpoOptions watched = options with { EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, EvalOnStart = true };
        (List<StepReport> reports, float[] weights) = Train(watched, evaluates: true);
        CollectionAssert.AreEqual(plain, weights);
        double[] scores = [.. reports.Where(report => report.Metrics.ContainsKey("eval_reward")).Select(report => report["eval_reward"])];
        Assert.HasCount(7, scores);
        int best = Array.IndexOf(scores, scores.Skip(1).Max(), 1);
        (_, float[] restored) = Train(watched with { LoadBestModelAtEnd = true }, evaluates: true);
        (_, float[] there) = Train(watched with { Callbacks = [new StopAt(best)] }, evaluates: true);
        CollectionAssert.AreEqual(there, restored); // the critic's, too
        (List<StepReport> small, _) = Train(watched with { PerDeviceEvalBatchSize = 2 }, evaluates: true);
        Close.Absolute(
            scores, [.. small.Where(report => report.Metrics.ContainsKey("eval_reward")).Select(report => report["eval_reward"])], 1e-9);
    });

    [TestMethod]
    public void A_reward_that_fails_in_an_evaluation_carries_the_model()
    {
        PpoOptions options = Quick with { EvalStrategy = EvalStrategy.Steps, EvalSteps = 2, EvaluationData = Rows() };
        int asked = 0;
        RewardFunction reward = RewardFunction.OfBatch(
            rows => ++asked == 3 ? throw new FormatException("odd") : [.. rows.Select(_ => 1.0)]);
        RewardFunctionException error = Assert.ThrowsExactly<RewardFunctionException>(
            () => _ml.Trl().Ppo(Tiny.Source(), reward, options).Fit(Rows()));
        Assert.Contains("the reward function threw FormatException: odd The model keeps the weights of step 2.", error.Message);
        ((IDisposable)error.Model!).Dispose();
    }

    [TestMethod]
    [DataRow("Grpo")]
    [DataRow("Rloo")]
    public void Methods_of_groups_are_evaluated_alike(string method) => Leaks.None(() =>
    {
        GroupOptions options = method == "Grpo" ? new GrpoOptions() : new RlooOptions();
        options = options with
        {
            MaxSteps = 4, PerDeviceTrainBatchSize = 4, NumGenerations = 2, LearningRate = 1e-2, LoggingSteps = 1, Beta = 0.1,
            Generation = new() { MaxNewTokens = 5, EosTokenIds = [1, 2, 3, 4, 5, 6, 7] },
        };
        (_, float[] plain) = Train(options, evaluates: false);
        GroupOptions watched = options with
        {
            EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, PerDeviceEvalBatchSize = 5, NumGenerationsEval = 3,
        };
        (List<StepReport> reports, float[] weights) = Train(watched, evaluates: true);
        CollectionAssert.AreEqual(plain, weights);
        double[] Scores(List<StepReport> of) =>
            [.. of.Where(report => report.Metrics.ContainsKey("eval_reward")).Select(report => report["eval_reward"])];
        double[] scores = Scores(reports);
        Assert.HasCount(4, scores);
        Assert.AreEqual(scores[^1], reports[^1]["eval_rewards/reward/mean"]);
        (List<StepReport> small, float[] best) = Train(
            watched with { PerDeviceEvalBatchSize = 2, LoadBestModelAtEnd = true }, evaluates: true);
        Close.Absolute(scores, Scores(small), 1e-9);
        Agree(reports, small);
        int step = Array.IndexOf(scores, scores.Max()) + 1;
        CollectionAssert.AreEqual(Train(watched with { Callbacks = [new StopAt(step)] }, evaluates: true).Weights, best);
    });

    [TestMethod]
    public void PPO_with_a_value_model_is_evaluated_alike() => Leaks.None(() =>
    {
        ExperimentalPpoOptions options = EpisodeRuns.Quick with { MaxSteps = 4, LearningRate = 1e-2 };
        (_, float[] plain) = Train(options, evaluates: false);
        ExperimentalPpoOptions watched = options with { EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, EvalOnStart = true };
        (List<StepReport> reports, float[] weights) = Train(watched, evaluates: true);
        CollectionAssert.AreEqual(plain, weights);
        double[] scores = [.. reports.Where(report => report.Metrics.ContainsKey("eval_reward")).Select(report => report["eval_reward"])];
        Assert.HasCount(5, scores);
        int best = Array.IndexOf(scores, scores.Skip(1).Max(), 1);
        (_, float[] restored) = Train(watched with { LoadBestModelAtEnd = true }, evaluates: true);
        (_, float[] there) = Train(watched with { Callbacks = [new StopAt(best)] }, evaluates: true);
        CollectionAssert.AreEqual(there, restored); // the value model's, too
    });

    /// <summary>Each iteration is a run of its own, whose evaluations ask the same questions.</summary>
    [TestMethod]
    public void Iterations_of_DPO_are_evaluated_by_their_answers()
    {
        IterativeDpoOptions options = new()
        {
            Iterations = 2, NumOutputSequences = 4, Generation = Quick.Generation, NumCompletionsToPrint = 2,
            Dpo = new() { MaxSteps = 2, LearningRate = 1e-2, PerDeviceTrainBatchSize = 4, LoggingSteps = 1 },
        };
        List<StepReport> Train(IterativeDpoOptions run, out float[] weights)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            var progress = new Collected();
            var scorer = new EpisodeRuns.Scorer(EpisodeRuns.SmallIds);
            new IterativeDpoLoop(policy, null, run.Within(16), scorer, new SamplingHooks(progress))
            {
                HeldOut = run.Dpo.MayEvaluate ? new ScoredPrompts(Toys.Rows(8, 5, 2, 6), scorer, [1]) : null,
            }.Run(Toys.Rows(3, 6, 2, 6));
            weights = Toys.Flat(policy.Weights());
            return progress.Reports;
        }
        Train(options, out float[] plain);
        DpoOptions watched = options.Dpo with { EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, EvalOnStart = true };
        List<StepReport> reports = Train(options with { Dpo = watched }, out float[] weights);
        CollectionAssert.AreEqual(plain, weights);
        StepReport[] evaluations = [.. reports.Where(report => report.Metrics.ContainsKey("eval_reward"))];
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 2, 3, 4 }, evaluations.Select(report => report.Step).ToArray());
        Assert.AreEqual(evaluations[2]["eval_reward"], evaluations[3]["eval_reward"]); // nothing was learnt in between
        Assert.IsTrue(evaluations.All(report => report.Completions.Count == 2 && !report.Metrics.ContainsKey("data/pairs")));
        CollectionAssert.AreEqual(
            new[] { 2, 0, 2, 0 }, reports.Except(evaluations).Select(report => report.Completions.Count).ToArray());
        IterativeDpoOptions one = options with { Iterations = 1 };
        int step = evaluations[1]["eval_reward"] < evaluations[2]["eval_reward"] ? 2 : 1;
        Train(one with { Dpo = watched with { LoadBestModelAtEnd = true } }, out float[] best);
        Train(one with { Dpo = watched with { Callbacks = [new StopAt(step)] } }, out float[] there);
        CollectionAssert.AreEqual(there, best);
    }

    /// <summary>The figures of evaluations in other batches are the same, those of all completions that training has, too.</summary>
    private static void Agree(List<StepReport> reports, List<StepReport> others)
    {
        static StepReport[] Evaluations(List<StepReport> of) => [.. of.Where(report => report.Metrics.ContainsKey("eval_reward"))];
        string[] expected =
        [
            "kl", "entropy", "completions/mean_length", "completions/min_length", "completions/max_length", "completions/clipped_ratio",
            "completions/mean_terminated_length", "completions/min_terminated_length", "completions/max_terminated_length",
        ];
        foreach ((StepReport one, StepReport other) in Evaluations(reports).Zip(Evaluations(others)))
            foreach (string name in expected)
                Close.Absolute(one["eval_" + name], other["eval_" + name], 2e-5, $"{name} of step {one.Step}");
        Assert.AreEqual(5, reports[^1]["eval_completions/max_length"]);
        // those that were cut are the longest
        Close.Above(reports[^1]["eval_completions/mean_terminated_length"], reports[^1]["eval_completions/mean_length"]);
        Close.Above(1e-4, Math.Abs(Evaluations(reports)[^1]["eval_kl"]), "the policy has left the reference");
    }

    private static (List<StepReport> Reports, float[] Weights) Train(ExperimentalPpoOptions options, bool evaluates)
    {
        using CausalLanguageModel policy = TinyModels.Gpt2();
        using RewardModel value = TinyModels.Reward();
        var progress = new Collected();
        var work = new EpisodeWork(Toys.Rows(3, 10, 2, 9), new SmallIds())
        {
            HeldOut = evaluates ? new ScoredPrompts(Toys.Rows(8, 5, 2, 9), new SmallIds(), [1]) : null,
        };
        new EpisodeLoop(policy, value, options, progress).Run(work);
        return (progress.Reports, [.. TinyModels.Flat(policy.Weights()), .. TinyModels.Flat(value.Weights())]);
    }

    private static (List<StepReport> Reports, float[] Weights) Train(GroupOptions options, bool evaluates)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        var work = new GroupWork(Toys.Rows(3, 6, 2, 6), new SmallIds(), [1])
        {
            HeldOut = evaluates ? new ScoredPrompts(Toys.Rows(8, 5, 2, 9), new SmallIds(), [1]) : null,
        };
        return (options is GrpoOptions grpo
            ? Loops.Grpo(policy, null, grpo, work)
            : Loops.Rloo(policy, null, (RlooOptions)options, work), Toys.Flat(policy.Weights()));
    }

    private static (List<StepReport> Reports, float[] Weights) Train(PpoOptions options, bool evaluates)
    {
        using CausalLanguageModel policy = TinyModels.Gpt2();
        var progress = new Collected();
        float[] critic;
        using (var session = new PpoSession(policy, options))
        {
            var loop = new PpoLoop(session, new SmallIds(), options, progress)
            {
                HeldOut = evaluates ? new ScoredPrompts(Toys.Rows(8, 5, 2, 9), new SmallIds(), [1]) : null,
            };
            loop.Run(Toys.Rows(3, 10, 2, 9));
            critic = Toys.Flat(session.ValueHead.Weights());
        }
        return (progress.Reports, [.. TinyModels.Flat(policy.Weights()), .. critic]);
    }

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs.Select(row => new Question { Prompt = row.Prompt }));

    private sealed class SmallIds : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            RewardTable.Of([.. rollout.Responses.Select(response => response.Count(token => token < 25) / 5.0)]);
    }

    private sealed class StopAt(int step) : ITrainingCallback
    {
        public void OnStepEnd(TrainingState state, TrainingControl control)
        {
            if (state.Step == step)
                control.StopTraining();
        }
    }

    private sealed class Question
    {
        public string Prompt { get; set; } = "";

        public string Want { get; set; } = "";
    }
}
