using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>RAFT and the best of several samples as stages of a pipeline.</summary>
[TestClass]
public sealed class RaftFitTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    [DataRow(CollectionStrategy.Top)]
    [DataRow(CollectionStrategy.Local)]
    public void Rewards_rise_over_the_iterations(CollectionStrategy strategy)
    {
        var options = new RaftOptions
        {
            CollectionStrategy = strategy, NumRaftIteration = 10, RaftBatchSize = 16, TopRewardPercentage = 0.25, OutputMinLength = 6,
            OutputMaxLength = 9, MinCompletionCharacters = 1, LearningRate = 5e-3, NumTrainEpochs = 2, LoggingSteps = 1, UseCpu = true,
        };
        using TextGenerationTransformer raft = _ml.Trl()
            .Raft(Tiny.Source(), [RewardFunction.Of((_, text) => text.Count(letter => letter == 'o') / (text.Length + 1.0))], options)
            .Fit(Rows);
        StepReport[] begins = [.. raft.Reports.Where(report => report.Metrics.ContainsKey("reward"))];
        Assert.HasCount(10, begins);
        Assert.IsTrue(begins.All(report => report["reward_selected"] >= report["reward"]));
        Close.Above(begins[..2].Average(report => report["reward"]) + 0.1, begins[^2..].Average(report => report["reward"]), "mean reward");
        Close.Above(0, begins[0]["distinct_2"]);
        StringAssert.Contains(CurvePicture.Svg(raft.Reports, "reward", "reward_selected"), "reward_selected");
        string[] answers = [.. raft.Transform(Rows).GetColumn<string>("Completion")];
        Close.Above(0.2, answers.Average(text => text.Count(letter => letter == 'o') / (text.Length + 1.0)), "answers of the fitted stage");
    }

    [TestMethod]
    public void The_end_of_a_completion_is_learned()
    {
        var options = new RaftOptions
        {
            CollectionStrategy = CollectionStrategy.Local, NumRaftIteration = 10, RaftBatchSize = 16, TopRewardPercentage = 0.125,
            OutputMinLength = 10, OutputMaxLength = 11, MinCompletionCharacters = 0, LearningRate = 1e-2, LoggingSteps = 1,
        };
        using TextGenerationTransformer raft = _ml.Trl()
            .Raft(Tiny.Source(), [RewardFunction.Of(row => -(double)row.CompletionIds.Count)], options).Fit(Rows);
        StepReport[] begins = [.. raft.Reports.Where(report => report.Metrics.ContainsKey("reward"))];
        Close.Below(begins[0]["completions/mean_length"] - 3, begins[^1]["completions/mean_length"], "the shorter, the better");
    }

    [TestMethod]
    public void RAFT_takes_policy_and_reward_from_upstream_and_scores_its_answers()
    {
        var options = new RaftOptions
        {
            NumRaftIteration = 1, RaftBatchSize = 4, TopRewardPercentage = 0.5, OutputMinLength = 3, OutputMaxLength = 5,
            MinCompletionCharacters = 0, Generation = Tiny.Greedy,
        };
        using var chain = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 2 })
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 }))
            .Append(_ml.Trl().Raft(options))
            .Fit(Rows);
        Tiny.ScoredAnswer[] answers = [.. _ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(chain.Transform(Rows), false)];
        CollectionAssert.AreEqual(
            chain.LastTransformer.Model.Complete([.. Tiny.Pairs.Select(row => row.Prompt)]).ToArray(),
            answers.Select(answer => answer.Completion).ToArray());
        Assert.IsTrue(answers.All(answer => float.IsFinite(answer.Score)));
        Assert.IsTrue(chain.LastTransformer.Reports[0].Metrics.ContainsKey("rewards/reward_model/mean"));
    }

    [TestMethod]
    public void Long_prompts_are_left_out_and_said_so()
    {
        var options = new RaftOptions
        {
            NumRaftIteration = 1, RaftBatchSize = 2, TopRewardPercentage = 1, OutputMinLength = 2, OutputMaxLength = 3,
            MinCompletionCharacters = 0, MaxPromptLength = 1,
        };
        int longer = Tiny.Pairs.Count(row => Tiny.Tokenizer.Encode(row.Prompt).Length > 1);
        Assert.IsTrue(longer is > 0 and < 4);
        using TextGenerationTransformer raft = _ml.Trl().Raft((_, _) => 1, options).Fit(
            _ml.Trl().TextGeneration(Tiny.Source()).Fit(Rows).Transform(Rows));
        Assert.AreEqual(longer, raft.Reports[0]["data/prompt_above_limit"]);
    }

    [TestMethod]
    public void The_best_of_several_samples_is_that_of_the_sampler_and_survives_saving()
    {
        var sampling = new GenerationOptions { MaxNewTokens = 6, EosTokenIds = [], Seed = 3 };
        using RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 2 }).Fit(Rows);
        IDataView scored = reward.Transform(Rows);
        using TextGenerationTransformer one = _ml.Trl().TextGeneration(Tiny.Source(), sampling).Fit(scored);
        TextGenerationTransformer best = one.BestOf(5);
        Tiny.ScoredAnswer[] answers = [.. _ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(best.Transform(scored), false)];
        string[] prompts = [.. Tiny.Pairs.Select(row => row.Prompt)];
        BestOfNResult expected = new BestOfNSampler(one.Model, reward.Model, sampleSize: 5).GenerateWithMetrics(prompts, sampling);
        CollectionAssert.AreEqual(
            expected.Candidates.Select(candidates => candidates[0].Completion).ToArray(),
            answers.Select(answer => answer.Completion).ToArray());
        Close.Absolute(expected.Metrics["best_of_n/best"], answers.Average(answer => (double)answer.Score), 1e-5, "score");
        Close.Above(0, expected.Metrics["best_of_n/gain"]);
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "best.zip");
        _ml.Trl().Save(best, scored.Schema, path);
        var loaded = (TextGenerationTransformer)_ml.Trl().Load(path, out _);
        Assert.AreEqual(5, loaded.SampleSize);
        CollectionAssert.AreEqual(
            answers.Select(answer => answer.Completion).ToArray(), loaded.Transform(scored).GetColumn<string>("Completion").ToArray());
        Assert.AreEqual(5, loaded.With(sampling).SampleSize);
        loaded.Dispose();
    }

    [TestMethod]
    public void Several_rewards_choose_together()
    {
        using LanguageModel model = Tiny.Model();
        var sampling = new GenerationOptions { MaxNewTokens = 6, EosTokenIds = [], Seed = 3 };
        RewardFunction[] rewards = [RewardFunction.Of((_, text) => text.Length), RewardFunction.Of(row => row.CompletionIds[0])];
        BestOfNSampler sampler = _ml.Trl().BestOfN(model, rewards, [1, -0.5], sampleSize: 4, nCandidates: 4);
        BestOfNResult result = sampler.GenerateWithMetrics(["a", "the film"], sampling);
        foreach (IReadOnlyList<ScoredCompletion> candidates in result.Candidates)
            CollectionAssert.AreEqual(
                candidates.Select(candidate => candidate.Score).OrderDescending().ToArray(),
                candidates.Select(candidate => candidate.Score).ToArray());
        double[] all = [.. result.Candidates.SelectMany(candidates => candidates.Select(candidate => candidate.Score))];
        Close.Absolute(all.Average(), result.Metrics["best_of_n/mean"], 1e-9);
        Close.Absolute(result.Candidates.Average(candidates => candidates[0].Score), result.Metrics["best_of_n/best"], 1e-9);
        Close.Absolute(Math.Log(4) - 0.75, result.Metrics["best_of_n/kl_bound"], 1e-12);
        Assert.AreEqual(0, BestOfNSampler.KlBound(1));
    }
}
