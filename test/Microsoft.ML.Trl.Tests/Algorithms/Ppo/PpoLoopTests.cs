using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>The loop around the session.</summary>
[TestClass]
public sealed class PpoLoopTests
{
    private static readonly PpoOptions Quick = new()
    {
        Steps = 24,
        BatchSize = 8,
        MiniBatchSize = 8,
        PpoEpochs = 2,
        LearningRate = 1e-3,
        Generation = new GenerationOptions { MaxNewTokens = 6, EosTokenIds = [] },
    };

    [TestMethod]
    public void The_policy_learns_to_write_what_is_rewarded()
    {
        PpoOptions options = Quick with
        {
            Steps = 40 * 16,
            BatchSize = 16,
            MiniBatchSize = 16,
            PpoEpochs = 4,
            LearningRate = 1e-2,
            InitKlCoef = 0.01,
        };
        double ShareOfSmallIds(int[] response) => response.Count(token => token < 20) / 6.0;
        List<StepReport> reports = Run(options, new Scorer((_, responses) => [.. responses.Select(ShareOfSmallIds)])).Reports;
        Close.Below(0.6, reports[..5].Average(report => report["env/reward_mean"]));
        Close.Above(0.9, reports[^5..].Average(report => report["env/reward_mean"]));
        Close.Above(0.5, reports[^1]["objective/kl"]);
    }

    [TestMethod]
    public void Reports_come_as_often_as_asked_and_name_steps_tokens_and_epochs()
    {
        List<StepReport> reports = Run(Quick with { Steps = 20, LoggingSteps = 2 }, Ones).Reports; // 20 prompts, 8 at a time: 3 steps
        CollectionAssert.AreEqual(new[] { 2, 3 }, reports.ConvertAll(report => report.Step));
        Assert.AreEqual(3, reports[0].TotalSteps);
        Assert.AreEqual("PPO", reports[0].Stage);
        Close.Absolute(1.6, reports[0]["epoch"], 1e-9);
        Assert.AreEqual(reports[1].Tokens, reports[1]["num_tokens"]);
        Assert.AreEqual(reports[1]["ppo/loss/total"], reports[1]["loss"]);
        Close.Above(0, reports[1]["time/ppo/total"]);
    }

    [TestMethod]
    public void Every_prompt_of_a_pass_is_answered_once()
    {
        var seen = new List<int>();
        Run(Quick with { Steps = 40 }, new Scorer((prompts, responses) =>
        {
            seen.AddRange(prompts);
            return new double[responses.Count];
        }));
        for (int pass = 0; pass < 4; pass++)
            CollectionAssert.AreEquivalent(Enumerable.Range(0, 10).ToArray(), seen.GetRange(pass * 10, 10));
    }

    [TestMethod]
    public void A_reward_function_that_throws_is_named_with_its_step_and_nothing_is_lost()
    {
        int calls = 0;
        float[] last = [];
        using CausalLanguageModel policy = Toys.Gpt2();
        var scorer = new Scorer((_, responses) => ++calls == 3
            ? throw new InvalidDataException("no such word")
            : [.. responses.Select(response => (double)response[0])]);
        var error = Assert.ThrowsExactly<RewardFunctionException>(
            () => Run(Quick, scorer, policy, _ => last = Toys.Flat(policy.Weights())));
        Assert.AreEqual(3, error.Step);
        StringAssert.Contains(error.Message, "Step 3: the reward function threw InvalidDataException: no such word");
        Assert.IsInstanceOfType<InvalidDataException>(error.InnerException);
        CollectionAssert.AreEqual(last, Toys.Flat(policy.Weights()));
    }

    [TestMethod]
    public void Scores_that_are_not_numbers_or_too_few_are_refused_by_name()
    {
        var error = Assert.ThrowsExactly<RewardFunctionException>(
            () => Run(Quick, new Scorer((_, responses) => [.. responses.Select((_, row) => row == 5 ? double.NaN : 0)])));
        StringAssert.Contains(error.Message, "gave NaN for row 5");
        error = Assert.ThrowsExactly<RewardFunctionException>(() => Run(Quick, new Scorer((_, _) => [1, 2])));
        StringAssert.Contains(error.Message, "gave 2 scores for 8 responses; it must give one for each");
    }

    [TestMethod]
    public void Cancelling_stops_before_the_weights_change()
    {
        using var source = new CancellationTokenSource();
        using CausalLanguageModel policy = Toys.Gpt2();
        float[] last = [];
        var canceled = Assert.ThrowsExactly<TrainingCanceledException>(() => Run(Quick, Ones, policy, report =>
        {
            last = Toys.Flat(policy.Weights());
            if (report.Step == 2)
                source.Cancel();
        }, source.Token));
        Assert.AreEqual(2, canceled.Step);
        CollectionAssert.AreEqual(last, Toys.Flat(policy.Weights()));
    }

    [TestMethod]
    public void Warnings_of_a_step_reach_the_callback()
    {
        var warnings = new List<string>();
        using CausalLanguageModel policy = Toys.Gpt2();
        PpoOptions options = Quick with { Steps = 8, RatioThreshold = 0.5 };
        using var session = new PpoSession(policy, options);
        new PpoLoop(session, Ones, options, warn: warnings.Add).Run(Toys.Rows(3, 10, 2, 9));
        Assert.HasCount(2, warnings); // one mini-batch in each of two epochs
        StringAssert.Contains(warnings[0], "Step 1: The mean ratio of a mini-batch (1.00) exceeds RatioThreshold (0.50); it was skipped.");
    }

    [TestMethod]
    public void Prompts_that_cannot_be_answered_are_refused_before_the_first_step()
    {
        StringAssert.Contains(Refused([]), "There are no prompts to train on");
        StringAssert.Contains(Refused([[1], []]), "The prompt of row 1 is empty");
        StringAssert.Contains(
            Refused([[1], [.. Enumerable.Repeat(3, 32)]]),
            "The prompt of row 1 is 32 tokens long and leaves no room for a response in the model's context of 32");
        StringAssert.Contains(Refused([[40]]), "The prompt of row 0 has token id 40, but the model's vocabulary is 0 to 39");
    }

    private static Scorer Ones => new((_, responses) => [.. responses.Select(_ => 1.0)]);

    private static string Refused(int[][] prompts)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        return Assert.ThrowsExactly<ArgumentException>(() => new PpoLoop(session, Ones, Quick).Run(prompts)).Message;
    }

    private static (List<StepReport> Reports, float[] Weights) Run(PpoOptions options, IRolloutScorer scorer)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        var reports = new List<StepReport>();
        Run(options, scorer, policy, reports.Add);
        return (reports, Toys.Flat(policy.Weights()));
    }

    private static void Run(
        PpoOptions options,
        IRolloutScorer scorer,
        CausalLanguageModel policy,
        Action<StepReport> report,
        CancellationToken cancel = default)
    {
        using var session = new PpoSession(policy, options);
        new PpoLoop(session, scorer, options, new Recorder(report)).Run(Toys.Rows(3, 10, 2, 9), cancel);
    }

    private sealed class Scorer(Func<IReadOnlyList<int>, IReadOnlyList<int[]>, double[]> score) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            RewardTable.Of(score(rollout.Prompts, rollout.Responses));
    }

    private sealed class Recorder(Action<StepReport> report) : IProgress<StepReport>
    {
        public void Report(StepReport value) => report(value);
    }
}
