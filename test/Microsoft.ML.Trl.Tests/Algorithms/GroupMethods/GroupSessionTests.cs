using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>GRPO and RLOO one generation at a time.</summary>
[TestClass]
public sealed class GroupSessionTests
{
    private static readonly int[][] Queries = Toys.Rows(3, 2, 2, 6);

    public static IEnumerable<object[]> Methods => [["Grpo"], ["Rloo"]];

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void A_session_learns_what_the_loop_learns_from_the_same_completions(string method)
    {
        GroupOptions options = Options(method);
        List<IReadOnlyList<int[]>> drawn = [];
        using CausalLanguageModel alone = Toys.Gpt2(), looped = Toys.Gpt2();
        List<StepReport> ours = [];
        using (var session = new GroupSession(alone, options))
            while (session.StepNumber < options.MaxSteps)
            {
                drawn.Add(session.Generate(Queries));
                ours.Add(session.Step(Queries, drawn[^1], [.. drawn[^1].Select(Score)]));
            }
        int next = 0;
        var work = new GroupWork(Queries, new Scorer(), [1], (_, _) => drawn[next++]);
        var progress = new Collected();
        new GroupLoop("Groups", looped, options, options.Objective(), progress).Run(work);
        Close.Absolute(Toys.Flat(looped.Weights()), Toys.Flat(alone.Weights()), 1e-6);
        Assert.HasCount(2, ours);
        Assert.AreEqual(4, ours[^1].Step); // two passes over each generation
        foreach (string figure in new[] { "reward", "completions/mean_length", "num_tokens" })
            Close.Absolute(progress.Reports[2][figure], ours[^1][figure], 1e-6, figure); // the first pass over the second generation
        Close.Absolute(progress.Reports[^1]["learning_rate"], ours[^1]["learning_rate"], 1e-12);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Scores_rise(string method)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new GroupSession(
            policy, Options(method) with
            {
                MaxSteps = 80, LearningRate = 1e-2, Optim = OptimizerKind.AdamW, NumGenerations = 8, PerDeviceTrainBatchSize = 16,
            });
        List<double> rewards = [];
        for (int step = 0; step < 40; step++)
        {
            IReadOnlyList<int[]> drawn = session.Generate(Queries);
            rewards.Add(session.Step(Queries, drawn, [.. drawn.Select(Score)])["reward"]);
        }
        Close.Above(rewards.Take(3).Average() + 0.15, rewards.TakeLast(3).Average(), method);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void No_tensor_outlives_a_session(string method) => Leaks.None(() =>
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new GroupSession(policy, Options(method) with { Beta = 0.1, NeftuneNoiseAlpha = 5 });
        IReadOnlyList<int[]> drawn = session.Generate(Queries);
        session.Step(Queries, drawn, [.. drawn.Select((_, row) => row == 0 ? null : (double?)row)]);
    });

    private static double? Score(int[] completion) => completion.Average(id => id < 20 ? 1.0 : 0);

    private static GroupOptions Options(string method)
    {
        GroupOptions options = method == "Grpo" ? new GrpoOptions() : new RlooOptions();
        return options with
        {
            NumGenerations = 4,
            PerDeviceTrainBatchSize = 8,
            NumIterations = 2,
            MaxSteps = 4,
            Beta = 0,
            LearningRate = 0.02,
            LoggingSteps = 1,
            Optim = OptimizerKind.Sgd,
            TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
            Generation = new() { MaxNewTokens = 8, EosTokenIds = [7] },
        };
    }

    private sealed class Scorer : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            new(["reward"], [[.. rollout.Responses.Select(GroupSessionTests.Score)]]);
    }
}
