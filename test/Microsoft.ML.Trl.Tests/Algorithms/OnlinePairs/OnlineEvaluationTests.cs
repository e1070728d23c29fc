using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs.OnlineRuns;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs;

/// <summary>Methods that compare answers are evaluated by what a judge says of answers to held-out prompts.</summary>
[TestClass]
public sealed class OnlineEvaluationTests
{
    private static readonly int[][] HeldOut = Toys.Rows(8, 5, 2, 6);

    private static readonly string[] OfTraining = ["grad_norm", "learning_rate", "num_tokens", "epoch"];

    private readonly MLContext _ml = new(1);

    public static IEnumerable<object[]> All => Methods.Select(method => new object[] { method });

    [TestMethod]
    [DynamicData(nameof(All))]
    public void Evaluating_leaves_training_bit_equal_and_the_best_weights_come_back(string method) => Leaks.None(() =>
    {
        var run = new Settings { Steps = 4, LearningRate = 1e-2 };
        (List<StepReport> plain, float[] weights) = Watch(method, run, null);
        Settings every = Evaluated(run, options => options with { PerDeviceEvalBatchSize = 5 });
        (List<StepReport> reports, float[] watched) = Watch(method, every, HeldOut);
        CollectionAssert.AreEqual(weights, watched);
        StepReport[] evaluations = Evaluations(reports);
        Assert.HasCount(5, evaluations);
        foreach ((StepReport one, StepReport other) in plain.Zip(reports.Except(evaluations), (one, other) => (one, other)))
            CollectionAssert.AreEquivalent(one.Metrics.ToArray(), other.Metrics.ToArray());
        (List<StepReport> small, float[] best) = Watch(
            method, Evaluated(run, options => options with { PerDeviceEvalBatchSize = 2, LoadBestModelAtEnd = true }), HeldOut);
        foreach ((StepReport whole, StepReport part) in evaluations.Zip(Evaluations(small)))
            foreach ((string name, double value) in whole.Metrics)
                Close.Absolute(value, part[name], 2e-5, $"{method} {name}");
        double[] wins = [.. evaluations.Skip(1).Select(report => report["eval_win_rate"])];
        Settings until = run with
        {
            Change = options => options with { Callbacks = [new StopAt(Array.IndexOf(wins, wins.Max()) + 1)] },
        };
        CollectionAssert.AreEqual(Watch(method, until, null).Weights, best);
    });

    [TestMethod]
    [DynamicData(nameof(All))]
    public void Before_the_first_step_they_are_what_a_step_over_the_same_prompts_reports(string method)
    {
        foreach (double? penalty in new double?[] { null, 0.5 })
        {
            var run = new Settings { Steps = 1, BatchSize = 8 };
            OnlinePairOptions Change(OnlinePairOptions options) => options with
            {
                TrainSamplingStrategy = TrainSamplingStrategy.Sequential, MissingEosPenalty = penalty, Beta = [0.5], EvalOnStart = true,
                PerDeviceEvalBatchSize = 3,
            };
            using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2(seed: 2);
            var held = new HeldOutPairs(run.Prompts, WantedScores);
            List<StepReport> reports = Run(method, policy, run with { Change = Change, HeldOut = held }, WantedScores, reference);
            foreach ((string name, double value) in reports[1].Metrics.Where(figure => !OfTraining.Contains(figure.Key)))
                Close.Absolute(value, reports[0]["eval_" + name], 2e-5, $"{method} {name}");
            Assert.AreEqual(0, reports[0]["eval_val/undecided"]);
        }
    }

    [TestMethod]
    public void Loss_margins_and_win_rate_are_worked_by_hand_from_the_likeliest_answers()
    {
        GenerationOptions greedy = Short with { DoSample = false };
        using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2(seed: 2);
        int[][] ours = [.. new TokenGenerator(policy).Generate(HeldOut, greedy).Tokens];
        int[][] theirs = [.. new TokenGenerator(reference).Generate(HeldOut, greedy).Tokens];
        int[][] mixed = [.. new TokenGenerator(policy) { Mixture = new GeometricMixture(reference, 0.5) }.Generate(HeldOut, greedy).Tokens];
        var judge = new FakeJudge((first, second) =>
            first.SequenceEqual(ours[0]) ? null : Sum(first) == Sum(second) ? 0.5 : Sum(first) < Sum(second) ? 0.8 : 0.2);
        var run = new Settings { Generation = greedy, Steps = 1 };
        Dictionary<string, double> Figures(string method)
        {
            using CausalLanguageModel trained = Toys.Gpt2();
            Settings watched = Evaluated(run with { HeldOut = new HeldOutPairs(HeldOut, judge) }, options => options);
            return Run(method, trained, watched, judge, reference)
                .First(report => report.Step == 0).Metrics.ToDictionary();
        }
        double?[] verdicts = [.. ours.Zip(theirs, (first, second) => Verdict(first, second))];
        int[] decided = [.. Enumerable.Range(0, HeldOut.Length).Where(row => verdicts[row] is not null)];
        Assert.IsTrue(decided.Length is > 0 and < 5, "some cannot be decided");
        double wins = decided.Average(row => verdicts[row] > 0.5 ? 1 : verdicts[row] == 0.5 ? 0.5 : 0);
        foreach (string method in Methods)
            Close.Absolute(wins, Figures(method)["eval_win_rate"], 1e-6, method);
        Dictionary<string, double> dpo = Figures("OnlineDpo"), xpo = Figures("Xpo"), nash = Figures("NashMd");
        Close.Absolute(Math.Log(2), dpo["eval_loss"], 1e-6, "both answers are the same");
        double[] margins = [.. decided.Select(row =>
        {
            double margin = Apart(row, ours[row]) - Apart(row, theirs[row]);
            return verdicts[row] >= 0.5 ? margin : -margin;
        })];
        Close.Absolute(0.1 * margins.Average(), xpo["eval_rewards/margins"], 1e-5, "margins");
        double explored = decided.Average(row => LogProb(policy, row, theirs[row]));
        double preference = margins.Average(margin => Math.Log(1 + Math.Exp(-0.1 * margin)));
        Close.Absolute(preference + (1e-5 * explored), xpo["eval_loss"], 1e-5, "loss");
        Close.Absolute(1 - (decided.Length / 5.0), xpo["eval_val/undecided"], 1e-9);
        double[] against = [.. ours.Zip(mixed, Verdict).OfType<double>()];
        Close.Absolute(against.Average(), nash["eval_rewards/probabilities"], 1e-6, "against the mixture");

        double? Verdict(int[] first, int[] second) => judge.Judge(
            new RolloutTexts(0, [0], [[1]], [first]), new RolloutTexts(0, [0], [[1]], [second]), default).FirstWins[0];
        static int Sum(int[] answer) => answer.Sum();
        double Apart(int row, int[] answer) => LogProb(policy, row, answer) - LogProb(reference, row, answer);
    }

    [TestMethod]
    public void The_reference_answers_each_prompt_once()
    {
        var judge = new FakeJudge(Count);
        using CausalLanguageModel policy = Toys.Gpt2();
        var run = new Settings { LearningRate = 0.1, HeldOut = new HeldOutPairs(HeldOut, judge) };
        Run("OnlineDpo", policy, Evaluated(run, options => options), WantedScores);
        // two questions in each of four evaluations: against the second answer, and against the reference's
        Assert.HasCount(8, judge.Seen);
        for (int evaluation = 1; evaluation < 4; evaluation++)
            foreach ((int[] before, int[] now) in judge.Seen[1].Second.Responses.Zip(judge.Seen[(2 * evaluation) + 1].Second.Responses))
                CollectionAssert.AreEqual(before, now);
        CollectionAssert.AreNotEqual(
            judge.Seen[0].First.Responses.SelectMany(answer => answer).ToArray(),
            judge.Seen[6].First.Responses.SelectMany(answer => answer).ToArray(), "the policy has learnt");
        CollectionAssert.AreEqual(new[] { 1, 1, 2, 2, 3, 3, 4, 4 }, judge.Seen.Select(pair => pair.First.Step).ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void A_stage_judges_answers_to_its_evaluation_data(string method)
    {
        PairwiseJudge longer = PairwiseJudge.Of((_, first, second) => first.Length >= second.Length ? 0 : 1);
        TextGenerationTransformer Fit(IDataView? data)
        {
            T Of<T>(T options)
                where T : OnlinePairOptions => options with
                {
                    MaxSteps = 2, EvalStrategy = EvalStrategy.Steps, EvalSteps = 2, EvalOnStart = true, EvaluationData = data,
                    Generation = new() { MaxNewTokens = 3 },
                };
            IDataView rows = _ml.Data.LoadFromEnumerable(Tiny.Pairs);
            return method switch
            {
                "OnlineDpo" => _ml.Trl().OnlineDpo(Tiny.Source(), longer, Of(new OnlineDpoOptions())).Fit(rows),
                "Xpo" => _ml.Trl().Xpo(Tiny.Source(), longer, Of(new XpoOptions())).Fit(rows),
                _ => _ml.Trl().NashMd(Tiny.Source(), longer, Of(new NashMdOptions())).Fit(rows),
            };
        }
        string[] prompts = ["the film", "a", "the plot"];
        using TextGenerationTransformer model = Fit(
            _ml.Data.LoadFromEnumerable(prompts.Select(prompt => new Tiny.PromptRow { Prompt = prompt })));
        StepReport[] evaluations = Evaluations(model.Reports);
        CollectionAssert.AreEqual(new[] { 0, 2 }, evaluations.Select(report => report.Step).ToArray());
        Assert.IsTrue(evaluations.All(report => report["eval_win_rate"] is >= 0 and <= 1 && double.IsFinite(report["eval_loss"])));
        Assert.AreEqual(prompts[0], evaluations[0].Completions.Single().Prompt);
        string Message(IDataView? data) => Assert.ThrowsExactly<ArgumentException>(() => Fit(data)).Message;
        Assert.StartsWith("EvaluationData: ", Message(_ml.Data.LoadFromEnumerable(new[] { new { Other = 1f } })));
        Assert.Contains("EvalStrategy is Steps, but there is nothing to evaluate on; set EvaluationData", Message(null));
    }

    private static (List<StepReport> Reports, float[] Weights) Watch(string method, Settings settings, int[][]? heldOut)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        List<StepReport> reports = Run(
            method, policy, settings with { HeldOut = heldOut is null ? null : new HeldOutPairs(heldOut, MoreWanted) }, MoreWanted);
        return (reports, Toys.Flat(policy.Weights()));
    }

    private static Settings Evaluated(Settings run, Func<OnlinePairOptions, OnlinePairOptions> change) => run with
    {
        Change = options => change(options with { EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, EvalOnStart = true }),
    };

    private static StepReport[] Evaluations(IEnumerable<StepReport> reports) =>
        [.. reports.Where(report => report.Metrics.ContainsKey("eval_win_rate"))];

    private static double LogProb(CausalLanguageModel model, int row, int[] answer)
    {
        using var scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        int[] prompt = HeldOut[row];
        using var batch = new AnswerBatch(model.Batch([new TokenExample([.. prompt, .. answer], prompt.Length)]), [0]);
        return AnswerPass.Score(model, batch).item<float>();
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
