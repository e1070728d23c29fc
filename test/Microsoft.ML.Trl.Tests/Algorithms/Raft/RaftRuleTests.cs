using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Raft;

/// <summary>What must hold of any run of RAFT.</summary>
[TestClass]
public sealed class RaftRuleTests
{
    private static readonly RaftOptions Quick = RaftRuns.Quick;

    [TestMethod]
    [DataRow(CollectionStrategy.Top)]
    [DataRow(CollectionStrategy.Local)]
    public void Same_seed_same_weights_other_seed_other_weights(CollectionStrategy strategy)
    {
        RaftOptions options = Quick with { CollectionStrategy = strategy };
        float[] first = RaftRuns.Fresh(options).Weights;
        CollectionAssert.AreEqual(first, RaftRuns.Fresh(options).Weights);
        CollectionAssert.AreNotEqual(first, RaftRuns.Fresh(options with { Seed = 43 }).Weights);
    }

    [TestMethod]
    [DataRow(CollectionStrategy.Top)]
    [DataRow(CollectionStrategy.Local)]
    public void No_tensor_outlives_a_run(CollectionStrategy strategy) => Leaks.None(() =>
        RaftRuns.Fresh(Quick with { CollectionStrategy = strategy, PaddingFree = true, Optim = OptimizerKind.AdamW }));

    [TestMethod]
    public void One_pass_over_4_completions_and_4_over_one_give_the_same_weights()
    {
        float[] whole = RaftRuns.Fresh(Quick).Weights;
        foreach ((int size, int accumulate) in new[] { (2, 2), (1, 4) })
            Close.Absolute(
                whole, RaftRuns.Fresh(Quick with { PerDeviceTrainBatchSize = size, GradientAccumulationSteps = accumulate }).Weights, 2e-6);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Learning_is_that_of_SFT_on_the_selected_completions(bool completionOnly)
    {
        RaftOptions options = Quick with { NumRaftIteration = 1, CompletionOnlyLoss = completionOnly, TopRewardPercentage = 1 };
        using LanguageModel model = Tiny.Model(), other = Tiny.Model();
        List<TokenExample> texts = [];
        var set = new RewardSet([RewardFunction.Of(row =>
        {
            texts.Add(new TokenExample([.. row.PromptIds, .. row.CompletionIds], row.PromptIds.Count));
            return 1.0;
        })]);
        RaftRuns.Run(model, options, set);
        Close.Differ(TinyModels.Flat(other.Network.Weights()), TinyModels.Flat(model.Network.Weights()), 1e-4, "something was learnt");
        Loops.Sft(other.Network, new SftOptions
        {
            NumTrainEpochs = options.NumTrainEpochs, PerDeviceTrainBatchSize = 4, LearningRate = options.LearningRate,
            Optim = options.Optim, LrSchedulerType = LrSchedulerType.Constant, CompletionOnlyLoss = completionOnly,
        }, texts);
        Close.Absolute(TinyModels.Flat(other.Network.Weights()), TinyModels.Flat(model.Network.Weights()), 2e-6);
    }

    [TestMethod]
    [DataRow(CollectionStrategy.Top)]
    [DataRow(CollectionStrategy.Local)]
    public void What_is_written_is_what_was_selected(CollectionStrategy strategy)
    {
        using var temporary = new TemporaryFolder();
        string folder = Path.Combine(temporary.Path, "run"), path = Path.Combine(temporary.Path, "own", "rewards.txt");
        RaftOptions options = Quick with { CollectionStrategy = strategy, OutputDir = folder, OutputRewardPath = path };
        List<StepReport> reports = RaftRuns.Fresh(options).Reports;
        string[] lines = File.ReadAllLines(path);
        Assert.HasCount(2, lines);
        for (int iteration = 0; iteration < 2; iteration++)
        {
            StepReport begin = reports[iteration * 2];
            // all completions are among the samples of the first report of an iteration
            double[] rewards = [.. begin.Completions.Select(sample => RaftRuns.Reward(sample.Completion))];
            Assert.HasCount(8, rewards);
            Close.Absolute(rewards.Average(), begin["reward"], 1e-6, "all");
            double[] best = strategy == CollectionStrategy.Top
                ? [.. rewards.OrderDescending().Take(4)] : [.. rewards.Chunk(2).Select(pair => pair.Max())];
            Close.Absolute(best.Average(), begin["reward_selected"], 1e-6, "the best");
            Assert.IsFalse(reports[(iteration * 2) + 1].Metrics.ContainsKey("reward"), "nothing was sampled in the second step");
            string[] texts = Texts(folder, iteration);
            string[] written = [.. begin.Completions.Select(sample => sample.Prompt + sample.Completion)];
            Assert.HasCount(4, texts);
            Assert.IsTrue(texts.All(written.Contains), string.Join('|', texts));
            double[] means = [.. lines[iteration].Replace("mean reward: ", "").Split(" mean reward in training set: ")
                .Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
            Close.Absolute([rewards.Average(), best.Average()], means, 1e-9, "the file");
        }
        StringAssert.Contains(File.ReadAllText(Path.Combine(folder, "training_reward.svg")), "Reward of SFT Set");
    }

    [TestMethod]
    public void Figures_are_those_of_the_completions()
    {
        StepReport first = RaftRuns.Fresh(Quick).Reports[0];
        string[] texts = [.. first.Completions.Select(sample => sample.Completion)];
        Close.Absolute(WordRuns.Distinct(texts, 2), first["distinct_2"], 1e-6);
        Assert.AreEqual((8.0, 4.0, 0.0), (first["data/completions"], first["data/selected"], first["data/unusable"]));
        Assert.IsTrue(first["completions/max_length"] is >= 1 and <= 8);
        Close.Absolute(first["rewards/reward/mean"], first["reward"], 1e-6);
        Assert.AreEqual(("RAFT", 4), (first.Stage, first.TotalSteps));
    }

    [TestMethod]
    public void The_completions_of_a_prompt_have_one_limit_and_limits_differ()
    {
        RaftOptions options = Quick with
        {
            CollectionStrategy = CollectionStrategy.Local, InferenceBatchSizePerDevice = 1, TopRewardPercentage = 0.25,
            Generation = new() { EosTokenIds = [] }, NumCompletionsToPrint = 16, NumRaftIteration = 1, OutputMinLength = 3,
        };
        var lengths = new List<int>();
        var set = new RewardSet([RewardFunction.Of(row =>
        {
            lengths.Add(row.CompletionIds.Count);
            return 1.0;
        })]);
        using LanguageModel model = Tiny.Model();
        RaftRuns.Run(model, options, set);
        Assert.HasCount(16, lengths);
        Assert.IsTrue(lengths.Chunk(4).All(prompt => prompt.Distinct().Count() == 1), string.Join(' ', lengths));
        Assert.IsGreaterThan(1, lengths.Distinct().Count());
        Assert.IsTrue(lengths.All(length => length is >= 3 and < 9), string.Join(' ', lengths));
    }

    [TestMethod]
    public void A_prompt_without_a_usable_completion_is_left_out_and_the_last_step_is_reported()
    {
        int asked = 0;
        RaftOptions options = Quick with
        {
            CollectionStrategy = CollectionStrategy.Local, PerDeviceTrainBatchSize = 1, LoggingSteps = 7, NumTrainEpochs = 1,
            MinCompletionCharacters = 0,
        };
        // of 4 prompts with 2 completions each the second has no score: 3 steps of 4 in each of two iterations
        List<StepReport> reports = RaftRuns.Fresh(options, _ => (asked++ % 8) is 2 or 3 ? null : 1).Reports;
        CollectionAssert.AreEqual(new[] { 6 }, reports.ConvertAll(report => report.Step));
        Assert.AreEqual(8, reports[0].TotalSteps);
        Assert.AreEqual(3, reports[0]["data/selected"]);
        Assert.AreEqual(TimeSpan.Zero, reports[0].TimeLeft);
    }

    [TestMethod]
    public void A_run_that_can_learn_nothing_says_so()
    {
        using LanguageModel model = Tiny.Model();
        float[] before = TinyModels.Flat(model.Network.Weights());
        string message = Assert.ThrowsExactly<InvalidOperationException>(() => RaftRuns.Run(model, Quick, _ => null)).Message;
        StringAssert.Contains(message, "None of 8 completions can be learnt: 0 are too short (MinCompletionCharacters is 0)");
        CollectionAssert.AreEqual(before, TinyModels.Flat(model.Network.Weights()));
        Assert.IsFalse(model.Network.training);
        int asked = 0;
        var later = Assert.ThrowsExactly<TrainingFailedException>(() => RaftRuns.Run(model, Quick, _ => asked++ < 8 ? 1 : null));
        Assert.AreEqual(2, later.Step);
    }

    [TestMethod]
    public void Several_rewards_are_weighted_and_reported()
    {
        var set = new RewardSet(
            [RewardFunction.Of((_, text) => text.Length).Named("length"), RewardFunction.Of((_, _) => 1.0).Named("one")], [-1, 3]);
        using LanguageModel model = Tiny.Model();
        StepReport first = RaftRuns.Run(model, Quick with { RewardWeights = [-1, 3] }, set)[0];
        Close.Absolute(3 - first["rewards/length/mean"], first["reward"], 1e-5);
        Assert.AreEqual(1, first["rewards/one/mean"]);
    }

    [TestMethod]
    public void Cancelling_ends_between_steps()
    {
        using var source = new CancellationTokenSource();
        using LanguageModel model = Tiny.Model();
        var set = new RewardSet([RewardFunction.Of((_, text) => RaftRuns.Reward(text))]);
        var canceled = Assert.ThrowsExactly<TrainingCanceledException>(
            () => RaftRuns.Run(model, Quick, set, _ => source.Cancel(), cancel: source.Token));
        Assert.AreEqual(1, canceled.Step);
    }

    [TestMethod]
    public void Options_survive_JSON()
    {
        RaftOptions options = Quick with { CollectionStrategy = CollectionStrategy.Local, OutputDir = "there", RewardWeights = [1] };
        string json = JsonSerializer.Serialize(options);
        StringAssert.Contains(json, "\"CollectionStrategy\":\"local\"");
        Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<RaftOptions>(json)));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<RaftOptions>("{\"Beta\": 1}"));
    }

    private static string[] Texts(string folder, int iteration)
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, $"train_set_{iteration}.json")));
        Assert.AreEqual("text_only", file.RootElement.GetProperty("type").GetString());
        return [.. file.RootElement.GetProperty("instances").EnumerateArray().Select(row => row.GetProperty("text").GetString()!)];
    }
}
