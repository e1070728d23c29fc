using Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Dpo;

[TestClass]
public sealed class IterativeDpoTests
{
    private static readonly IterativeDpoOptions Quick = new()
    {
        Iterations = 2, NumOutputSequences = 4, SamplingPairedMethod = SamplingPairedMethod.MaxMin, Generation = OnlineRuns.Short,
        Dpo = new DpoOptions
        {
            MaxSteps = 3, PerDeviceTrainBatchSize = 4, LearningRate = 1e-3, LoggingSteps = 1, LrSchedulerType = LrSchedulerType.Constant,
        },
    };

    [TestMethod]
    public void Pairs_are_those_of_the_method()
    {
        double[] scores = [1, 5, 3, 5, 0];
        var random = new Random(3);
        Assert.AreEqual((1, 4), ScoredPairs.Choose(scores, SamplingPairedMethod.MaxMin, random));
        Assert.IsNull(ScoredPairs.Choose(scores, SamplingPairedMethod.MaxMax, random)); // two equally good
        Assert.AreEqual((1, 0), ScoredPairs.Choose([1, 2], SamplingPairedMethod.MaxMax, random));
        var second = new HashSet<int>();
        var any = new HashSet<(int, int)>();
        for (int draw = 0; draw < 400; draw++)
        {
            if (ScoredPairs.Choose([2, 9, 3, 4], SamplingPairedMethod.MaxRandom, random) is var (best, other))
            {
                Assert.AreEqual(1, best);
                second.Add(other);
            }
            any.Add(ScoredPairs.Choose([0, 1, 2], SamplingPairedMethod.Random, random)!.Value);
        }
        CollectionAssert.AreEquivalent(new[] { 0, 2, 3 }, second.ToArray());
        CollectionAssert.AreEquivalent(new[] { (1, 0), (2, 0), (2, 1) }, any.ToArray());
        Assert.IsNull(ScoredPairs.Choose([4, 4, 4], SamplingPairedMethod.Random, random));
    }

    [TestMethod]
    public void Answers_become_better_from_iteration_to_iteration()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        double before = OnlineRuns.MeanWanted(policy);
        IterativeDpoOptions options = Quick with
        {
            Iterations = 3, NumOutputSequences = 8,
            Dpo = Quick.Dpo with { MaxSteps = 20, LearningRate = 3e-3, PerDeviceTrainBatchSize = 8 },
        };
        List<StepReport> reports = Run(policy, options, prompts: Toys.Rows(5, 16, 2, 4));
        Close.Above(before + 1, OnlineRuns.MeanWanted(policy), $"wanted tokens per answer, from {before}");
        Close.Above(reports[0]["objective/scores"] + 0.3, reports[^1]["objective/scores"], "scores of the answers of an iteration");
        CollectionAssert.AreEqual(Enumerable.Range(1, 60).ToArray(), reports.Select(report => report.Step).ToArray());
        Assert.AreEqual((60, 3.0, "Iterative DPO"), (reports[^1].TotalSteps, reports[^1]["iteration"], reports[^1].Stage));
    }

    [TestMethod]
    public void The_reference_stays_or_is_renewed()
    {
        double[] Margins(IterativeDpoOptions options, CausalLanguageModel? reference = null)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            List<StepReport> reports = Run(policy, options, reference);
            return [.. reports.Where(report => report.Step is 1 or 4).Select(report => Math.Abs(report["rewards/margins"]))];
        }
        double[] kept = Margins(Quick), renewed = Margins(Quick with { RenewReference = true });
        Close.Absolute([0, 0], renewed, 1e-6, "each iteration begins at its own reference");
        Close.Absolute(0, kept[0], 1e-6);
        Close.Above(1e-4, kept[1], "the second iteration begins away from the reference");
        using CausalLanguageModel other = Toys.Gpt2(seed: 2);
        double[] given = Margins(Quick, other);
        Close.Above(1e-3, given[0]);
        Close.Above(1e-3, given[1]);
        Close.Absolute(0, Margins(Quick with { RenewReference = true }, other)[1], 1e-6);
    }

    [TestMethod]
    public void A_run_is_a_function_of_its_seed_and_leaves_no_tensor()
    {
        float[] Weights(int seed)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            Run(policy, Quick with { Dpo = Quick.Dpo with { Seed = seed } });
            return Toys.Flat(policy.Weights());
        }
        CollectionAssert.AreEqual(Weights(42), Weights(42));
        CollectionAssert.AreNotEqual(Weights(42), Weights(43));
        Leaks.None(() => Weights(42));
    }

    [TestMethod]
    public void Each_iteration_goes_on_with_other_prompts()
    {
        var scorer = new Scorer(OnlineRuns.Count);
        using CausalLanguageModel policy = Toys.Gpt2();
        new IterativeDpoLoop(policy, null, (Quick with { PromptsPerIteration = 4 }).Validated(), scorer).Run(Toys.Rows(5, 8, 2, 6));
        int[][] asked = [.. scorer.Seen.GroupBy(rollout => rollout.Step)
            .Select(iteration => iteration.SelectMany(rollout => rollout.Prompts).Distinct().ToArray())];
        Assert.HasCount(2, asked);
        CollectionAssert.AreEquivalent(Enumerable.Range(0, 8).ToArray(), asked.SelectMany(prompts => prompts).ToArray());
        Assert.IsTrue(scorer.Seen.All(rollout => rollout.Prompts.Count == 16 && rollout.Responses.Count == 16));
    }

    [TestMethod]
    public void A_length_penalty_prefers_short_answers()
    {
        double Length(double penalty)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            IterativeDpoOptions options = Quick with
            {
                LengthPenalty = penalty, NumOutputSequences = 8, Generation = OnlineRuns.Short with { MaxNewTokens = 12 },
                Dpo = Quick.Dpo with { LearningRate = 3e-3, MaxSteps = 15 },
            };
            new IterativeDpoLoop(policy, null, options.Validated(), new Scorer(answer => answer.Length * 1e-3))
                .Run(Toys.Rows(5, 16, 2, 4));
            return new TokenGenerator(policy).Generate(Toys.Rows(9, 32, 2, 4), OnlineRuns.Short with { MaxNewTokens = 12 })
                .Tokens.Average(answer => answer.Length);
        }
        Close.Above(Length(1) + 1, Length(-1));
    }

    [TestMethod]
    public void Answers_that_are_all_worth_the_same_are_an_error_with_the_iteration()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        var error = Assert.ThrowsExactly<RewardFunctionException>(
            () => new IterativeDpoLoop(policy, null, Quick.Validated(), new Scorer(_ => 1)).Run(Toys.Rows(5, 8, 2, 6)));
        StringAssert.Contains(error.Message, "Step 1: the 4 answers to each of 8 prompts have equal scores or are equal");
    }

    private static List<StepReport> Run(
        CausalLanguageModel policy, IterativeDpoOptions options, CausalLanguageModel? reference = null, int[][]? prompts = null)
    {
        var progress = new Collected();
        new IterativeDpoLoop(policy, reference, options.Validated(), new Scorer(OnlineRuns.Count), new SamplingHooks(progress))
            .Run(prompts ?? Toys.Rows(5, 8, 2, 6));
        return progress.Reports;
    }

    private sealed class Scorer(Func<int[], double> score) : IRolloutScorer
    {
        public List<RolloutTexts> Seen { get; } = [];

        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel)
        {
            Seen.Add(rollout);
            return RewardTable.Of([.. rollout.Responses.Select(score)]);
        }
    }
}
