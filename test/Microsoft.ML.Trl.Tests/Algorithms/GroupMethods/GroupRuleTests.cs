using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>What must hold of any run of GRPO and RLOO, whatever the numbers.</summary>
[TestClass]
public sealed class GroupRuleTests
{
    private static readonly int[][] Prompts = Toys.Rows(3, 6, 2, 6);

    public static IEnumerable<object[]> Methods =>
        [["rloo"], .. Enum.GetNames<GrpoLossType>().Select(type => new object[] { type })];

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void One_pass_over_8_completions_and_8_over_one_give_the_same_weights(string method)
    {
        // plain descent: Adam would blow the rounding noise of the key biases, whose true gradient is 0, up to whole steps
        var run = new Settings { LearningRate = 0.05, Optim = OptimizerKind.Sgd, Steps = 3 };
        float[] whole = Train(method, run).Weights;
        foreach ((int size, int passes) in new[] { (4, 2), (2, 4), (1, 8) })
            if (method == nameof(GrpoLossType.Bnpo)) // which is defined by forward passes
                Close.Differ(whole, Train(method, run with { BatchSize = size, Accumulate = passes }).Weights, 1e-7, method);
            else
                Close.Absolute(whole, Train(method, run with { BatchSize = size, Accumulate = passes }).Weights, 2e-6, method);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void At_step_0_KL_is_0_and_no_ratio_is_clipped(string method)
    {
        StepReport first = Train(method, new Settings { Steps = 1, Beta = 0.1 }).Reports[0];
        Close.Absolute(0, first["kl"], 1e-6, $"{method} kl");
        foreach (string name in new[] { "clip_ratio/low_mean", "clip_ratio/high_mean", "cispo_clip_ratio" })
            if (first.Metrics.TryGetValue(name, out double clipped))
                Assert.AreEqual(0, clipped, name);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Old_log_probabilities_of_the_sampler_are_those_of_a_pass(string method)
    {
        // two passes over each generation; the second run draws the same tokens, but does not say what it knows of them
        var run = new Settings { Steps = 4, Iterations = 2, Temperature = 0.7, LearningRate = 0.02, Optim = OptimizerKind.Sgd };
        float[] known = Train(method, run).Weights;
        Close.Absolute(known, Train(method, run with { Forgets = true }).Weights, 2e-6, method);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Reward_rises(string method)
    {
        var run = new Settings { Steps = 40, LearningRate = 1e-2, BatchSize = 16, Generations = 8 };
        List<StepReport> reports = Train(method, run).Reports;
        double before = reports.Take(4).Average(report => report["reward"]);
        Close.Above(before + 0.15, reports.TakeLast(4).Average(report => report["reward"]), $"{method} reward");
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Same_seed_same_weights_other_seed_other_weights(string method)
    {
        var run = new Settings { Steps = 3 };
        float[] first = Train(method, run).Weights;
        CollectionAssert.AreEqual(first, Train(method, run).Weights);
        CollectionAssert.AreNotEqual(first, Train(method, run with { Seed = 43 }).Weights);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void No_tensor_outlives_a_run(string method) =>
        Leaks.None(() => Train(method, new Settings { Steps = 3, Accumulate = 2, BatchSize = 4, Iterations = 2, Beta = 0.1 }));

    [TestMethod]
    public void The_end_of_a_completion_is_learned()
    {
        // the shorter the better: the end token must become likely
        var run = new Settings { Steps = 40, LearningRate = 1e-2, BatchSize = 16, Generations = 8, Reward = text => 1.0 / text.Length };
        List<StepReport> reports = Train(nameof(GrpoLossType.Dapo), run).Reports;
        Close.Below(reports[0]["completions/mean_length"] - 1, reports[^1]["completions/mean_length"], "mean length");
        Close.Below(reports[0]["completions/clipped_ratio"] - 0.2, reports[^1]["completions/clipped_ratio"], "cut completions");
    }

    [TestMethod]
    public void Padding_that_is_not_read_changes_nothing()
    {
        var run = new Settings { Steps = 3, LearningRate = 0.05, Optim = OptimizerKind.Sgd };
        Close.Absolute(
            Train(nameof(GrpoLossType.Grpo), run).Weights, Train(nameof(GrpoLossType.Grpo), run with { PaddingFree = true }).Weights, 2e-6);
    }

    [TestMethod]
    public void Nothing_is_learnt_from_completions_that_were_cut_where_such_are_left_out()
    {
        // no end token: all are cut
        var run = new Settings { Steps = 2, MaskTruncated = true, Ends = [] };
        float[] before = Untrained();
        (List<StepReport> reports, float[] weights) = Train(nameof(GrpoLossType.Dapo), run);
        CollectionAssert.AreEqual(before, weights);
        Assert.AreEqual(1, reports[0]["completions/clipped_ratio"]);
        Assert.AreEqual(0, reports[0]["loss"]);
    }

    [TestMethod]
    public void Completions_without_a_score_are_left_out()
    {
        var run = new Settings { Steps = 2, Reward = text => text.Length % 2 == 0 ? null : text.Length };
        Close.Above(0, Train(nameof(GrpoLossType.Grpo), run).Reports[0]["reward_std"], "of those that have one");
        float[] before = Untrained();
        CollectionAssert.AreEqual(before, Train(nameof(GrpoLossType.Grpo), run with { Reward = _ => null }).Weights);
        CollectionAssert.AreEqual(before, Train("rloo", run with { Reward = _ => null, Beta = 0 }).Weights);
    }

    [TestMethod]
    public void A_reference_that_follows_the_policy_is_another_one()
    {
        var run = new Settings { Steps = 4, Beta = 0.5, LearningRate = 1e-2 };
        double still = Train(nameof(GrpoLossType.Grpo), run).Reports[^1]["kl"];
        double follows = Train(nameof(GrpoLossType.Grpo), run with { Sync = true }).Reports[^1]["kl"];
        Close.Below(still / 2, follows, "KL to a reference that follows each step");
    }

    private static float[] Untrained()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        return Toys.Flat(policy.Weights());
    }

    private static (List<StepReport> Reports, float[] Weights) Train(string method, Settings run)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var sampler = new RolloutSampler(policy, run.Seed);
        Sampling? sample = run.Forgets ? (queries, cancel) => Draw(sampler, run.Of(new RlooOptions()), queries, cancel) : null;
        var work = new GroupWork(Prompts, new Scorer(run.Reward), [1], sample);
        List<StepReport> reports = method == "rloo"
            ? Loops.Rloo(policy, null, run.Of(new RlooOptions()), work)
            : Loops.Grpo(policy, null, run.Of(Grpo(Enum.Parse<GrpoLossType>(method))), work);
        return (reports, Toys.Flat(policy.Weights()));
    }

    private static GrpoOptions Grpo(GrpoLossType type) => new()
    {
        LossType = type,
        EpsilonHigh = type == GrpoLossType.Cispo ? 5 : null,
        ImportanceSamplingLevel = type == GrpoLossType.Luspo ? ImportanceSamplingLevel.Sequence : ImportanceSamplingLevel.Token,
    };

    private static IReadOnlyList<int[]> Draw(
        RolloutSampler sampler, GroupOptions options, IReadOnlyList<int[]> queries, CancellationToken cancel)
    {
        IReadOnlyList<int[]> drawn = sampler.Generate(sampler.Batches(queries, options.Generation, null, null), null, cancel);
        sampler.Forget();
        return drawn;
    }

    private sealed class Scorer(Func<int[], double?> reward) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            new(["reward"], [[.. rollout.Responses.Select(reward)]]);
    }

    private sealed record Settings
    {
        public int BatchSize { get; init; } = 8;

        public int Accumulate { get; init; } = 1;

        public int Generations { get; init; } = 4;

        public int Iterations { get; init; } = 1;

        public int Steps { get; init; } = 2;

        public double Beta { get; init; }

        public double Temperature { get; init; } = 1;

        public double LearningRate { get; init; } = 1e-3;

        public OptimizerKind Optim { get; init; } = OptimizerKind.AdamW;

        public int Seed { get; init; } = 42;

        public bool Forgets { get; init; }

        public bool PaddingFree { get; init; }

        public bool MaskTruncated { get; init; }

        public bool Sync { get; init; }

        public IReadOnlyList<int>? Ends { get; init; } = [7];

        /// <summary>Share of small ids.</summary>
        public Func<int[], double?> Reward { get; init; } = text => text.Average(id => id < 20 ? 1.0 : 0);

        public T Of<T>(T options) where T : GroupOptions => options with
        {
            PerDeviceTrainBatchSize = BatchSize,
            GradientAccumulationSteps = Accumulate,
            NumGenerations = Generations,
            NumIterations = Iterations,
            MaxSteps = Steps,
            Beta = Beta,
            LearningRate = LearningRate,
            Optim = Optim,
            Seed = Seed,
            LoggingSteps = 1,
            LrSchedulerType = LrSchedulerType.Constant,
            PaddingFree = PaddingFree,
            MaskTruncatedCompletions = MaskTruncated,
            SyncRefModel = Sync,
            RefModelSyncSteps = Sync ? 1 : 512,
            RefModelMixupAlpha = Sync ? 1 : 0.6,
            Generation = new() { MaxNewTokens = 8, EosTokenIds = Ends, Temperature = Temperature },
        };
    }
}
