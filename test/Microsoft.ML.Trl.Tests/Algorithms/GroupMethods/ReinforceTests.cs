using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>REINFORCE++ and ReMax: their advantages worked out by hand, and what must hold of any run.</summary>
[TestClass]
public sealed class ReinforceTests
{
    private static readonly GrpoOptions PlusPlus = GrpoOptions.ReinforcePlusPlus with { Beta = 0.5 };

    public static IEnumerable<object[]> Estimators =>
        Enum.GetValues<AdvantageEstimator>().Where(each => each != AdvantageEstimator.Group).Select(each => new object[] { each });

    [TestMethod]
    public void REINFORCE_plus_plus_takes_all_KL_from_a_token_on_and_scales_over_all_tokens()
    {
        // rewards 3 and 1; log-ratios (1, 2) and (-2): returns 3 - ½·3, 3 - ½·2 and 1 + 1
        double[] returns = [1.5, 2, 2];
        double mean = returns.Average(), deviation = Math.Sqrt(returns.Average(value => (value - mean) * (value - mean)));
        GroupJudgement judged = ReinforceAdvantages.PlusPlus(Scores([3, 1], [[1, 2], [-2]]), PlusPlus);
        Close.Absolute([.. returns.Select(value => (float)((value - mean) / deviation))], judged.TokenAdvantages!, 1e-5);
        Close.Absolute((judged.TokenAdvantages![0] + judged.TokenAdvantages[1]) / 2, judged.Advantages[0], 1e-6, "the mean of its tokens");
        Close.Absolute(1.0 / 3, judged.Figures["kl"], 1e-6);
        Close.Absolute(2, judged.Figures["reward"], 1e-6);
    }

    [TestMethod]
    [DataRow(KlEstimator.K1, 0.4, 0.4)]
    [DataRow(KlEstimator.K2, 0.4, 0.08)]
    [DataRow(KlEstimator.K3, 0.4, 0.0703200460356393)] // e^-0.4 - 1 + 0.4
    [DataRow(KlEstimator.K3, -0.4, 0.0918246976412703)]
    public void KL_is_estimated_as_asked(KlEstimator estimator, double logRatio, double expected) =>
        Close.Absolute(expected, ReinforceAdvantages.Kl(logRatio, estimator), 1e-12);

    [TestMethod]
    public void The_baseline_of_REINFORCE_plus_plus_is_the_mean_of_the_group()
    {
        GrpoOptions options = PlusPlus with { AdvantageEstimator = AdvantageEstimator.ReinforcePlusPlusBaseline, NumGenerations = 2 };
        // centred: -1, 1, 0 (its sibling has no score), -; tokens 2, 1, 1, 2
        double[] returns = [-1, -1, 1, 0];
        double mean = returns.Average(), deviation = Math.Sqrt(returns.Average(value => (value - mean) * (value - mean)));
        GroupJudgement judged = ReinforceAdvantages.PlusPlusBaseline(
            Scores([4, 6, 9, null], [[0, 0], [0], [0], [0, 0]], groupSize: 2), options);
        Close.Absolute(
            [.. returns.Select(value => (float)((value - mean) / deviation)), 0, 0], judged.TokenAdvantages!, 1e-5);
        Assert.AreEqual(0, judged.Advantages[3]);
    }

    [TestMethod]
    public void ReMax_compares_with_the_likeliest_completion_and_charges_each_token_its_own_KL()
    {
        GroupScores scores = Scores([3, 1, 2], [[1, 2], [-2], [1]], greedy: [1, 4, double.NaN]);
        GroupJudgement judged = ReinforceAdvantages.ReMax(scores, GrpoOptions.ReMax with { Beta = 0.5 });
        Close.Absolute([1.5f, 1, -2, 0], judged.TokenAdvantages!, 1e-6); // the last one's likeliest completion has no score
        Close.Absolute(2.5, judged.Figures["reward_baseline"], 1e-6);
    }

    [TestMethod]
    public void Where_KL_is_a_loss_rewards_are_not_charged_and_the_loss_is_half_the_square()
    {
        GrpoOptions options = (PlusPlus with { UseKlLoss = true, KlEstimator = KlEstimator.K2 }).Validated();
        float[] charged = ReinforceAdvantages.PlusPlus(Scores([3, 1], [[1, 2], [-2]]), options).TokenAdvantages!;
        Close.Absolute(charged[0], charged[1], 1e-6);
        Leaks.None(() =>
        {
            using var scope = NewDisposeScope();
            Tensor now = tensor([-1f, -2, -3]).requires_grad_(), reference = tensor([-1.5f, -1, -3]);
            GroupTokens tokens = new(2, tensor([0L, 0, 1]), zeros(2), null, reference) { TokenAdvantages = tensor([0.5f, -1, 2]) };
            Tensor loss = new GrpoObjective(options).Loss(tokens, now, zeros(3), new GroupTotals(2, 3, 1)).Loss;
            // ratios are 1: -(0.5 - 1 + 2) and ½·(½·0.25 + ½·1 + 0), over 3 tokens
            Close.Absolute((-1.5 + (0.5 * 0.625)) / 3, loss.item<float>(), 1e-6);
            loss.backward();
            Close.Absolute([(-0.5f + (0.5f * 0.5f)) / 3, (1 - 0.5f) / 3, -2f / 3], now.grad!.data<float>().ToArray(), 1e-6);
        });
    }

    [TestMethod]
    [DynamicData(nameof(Estimators))]
    public void One_pass_over_8_completions_and_8_over_one_give_the_same_weights(AdvantageEstimator estimator)
    {
        GrpoOptions run = Run(estimator) with { LearningRate = 0.05, Optim = OptimizerKind.Sgd };
        float[] whole = Train(run).Weights;
        foreach ((int size, int passes) in new[] { (4, 2), (2, 4) })
            Close.Absolute(whole, Train(run with { PerDeviceTrainBatchSize = size, GradientAccumulationSteps = passes }).Weights, 2e-6);
    }

    [TestMethod]
    [DynamicData(nameof(Estimators))]
    public void Same_seed_same_weights_and_no_tensor_outlives_a_run(AdvantageEstimator estimator) => Leaks.None(() =>
    {
        GrpoOptions run = Run(estimator) with { NumIterations = 2, MaxSteps = 4 };
        float[] first = Train(run).Weights;
        CollectionAssert.AreEqual(first, Train(run).Weights);
        CollectionAssert.AreNotEqual(first, Train(run with { Seed = 43 }).Weights);
    });

    [TestMethod]
    [DynamicData(nameof(Estimators))]
    public void Reward_rises(AdvantageEstimator estimator)
    {
        GrpoOptions run = Run(estimator) with { MaxSteps = 50, PerDeviceTrainBatchSize = 16, LearningRate = 1e-2, Beta = 0.01 };
        List<StepReport> reports = Train(run).Reports;
        double before = reports.Take(5).Average(report => report["reward"]);
        double after = reports.TakeLast(5).Average(report => report["reward"]);
        Close.Above(before + 0.15, after, $"{estimator} reward");
        Close.Above(0, reports[^1]["kl"], "the policy has left the reference");
    }

    [TestMethod]
    public void The_likeliest_completions_are_those_of_greedy_decoding_and_asked_for_once_per_prompt()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        GrpoOptions run = Run(AdvantageEstimator.ReMax) with { NumGenerations = 2, MaxSteps = 1 };
        List<RolloutTexts> asked = [];
        Loops.Grpo(policy, null, run, new GroupWork(Prompts, new Scorer(asked.Add), [1]));
        Assert.HasCount(2, asked);
        CollectionAssert.AreEqual(asked[0].Prompts.Where((_, row) => row % 2 == 0).ToArray(), asked[1].Prompts.ToArray());
        using CausalLanguageModel fresh = Toys.Gpt2();
        IReadOnlyList<int[]> greedy = new TokenGenerator(fresh).Generate(
            [.. asked[1].Queries], run.Generation with { DoSample = false }).Tokens;
        for (int row = 0; row < greedy.Count; row++)
            CollectionAssert.AreEqual(greedy[row], asked[1].Responses[row]);
    }

    [TestMethod]
    public void Presets_are_valid_and_survive_JSON()
    {
        foreach (GrpoOptions preset in new[] { GrpoOptions.ReinforcePlusPlus, GrpoOptions.ReinforcePlusPlusBaseline, GrpoOptions.ReMax })
        {
            string json = JsonSerializer.Serialize(preset.Validated());
            Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<GrpoOptions>(json)));
            Assert.IsEmpty(preset.WithoutEffect());
        }
        StringAssert.Contains(JsonSerializer.Serialize(GrpoOptions.ReMax), "\"AdvantageEstimator\":\"remax\"");
    }

    private static readonly int[][] Prompts = Toys.Rows(3, 6, 2, 6);

    private static GrpoOptions Run(AdvantageEstimator estimator) => new()
    {
        AdvantageEstimator = estimator, NumGenerations = estimator == AdvantageEstimator.ReinforcePlusPlusBaseline ? 4 : 1, Beta = 0.1,
        PerDeviceTrainBatchSize = 8, MaxSteps = 2, LearningRate = 1e-3, LoggingSteps = 1, LrSchedulerType = LrSchedulerType.Constant,
        Generation = new() { MaxNewTokens = 8, EosTokenIds = [7] },
    };

    private static (List<StepReport> Reports, float[] Weights) Train(GrpoOptions options)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        List<StepReport> reports = Loops.Grpo(policy, null, options, new GroupWork(Prompts, new Scorer(), [1]));
        return (reports, Toys.Flat(policy.Weights()));
    }

    private static GroupScores Scores(double?[] rewards, double[][] logRatios, int groupSize = 1, double[]? greedy = null) =>
        new(new RewardTable(["only"], [rewards]), [1], groupSize)
        {
            LogRatios = logRatios, Lengths = [.. logRatios.Select(row => row.Length)], GreedyRewards = greedy,
            Tokens = logRatios.Sum(row => row.Length),
        };

    private sealed class Scorer(Action<RolloutTexts>? seen = null) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel)
        {
            seen?.Invoke(rollout);
            return RewardTable.Of([.. rollout.Responses.Select(text => text.Average(id => id < 20 ? 1.0 : 0))]);
        }
    }
}
