using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Trl.Tests.Training;
using static Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental.EpisodeRuns;

namespace Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;

/// <summary>What must hold of any run, whatever the numbers.</summary>
[TestClass]
public sealed class EpisodeRuleTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void One_pass_over_a_mini_batch_and_several_give_the_same_weights_and_figures(int miniBatches)
    {
        // plain descent: Adam would blow the rounding noise of the key biases, whose true gradient is 0, up to whole steps
        ExperimentalPpoOptions run = Quick with { LearningRate = 0.05, Optim = OptimizerKind.Sgd, NumMiniBatches = miniBatches };
        var whole = Train(run);
        foreach ((int size, int passes) in new[] { (4, 2), (2, 4), (1, 8) })
        {
            var parts = Train(run with { PerDeviceTrainBatchSize = size, GradientAccumulationSteps = passes });
            Close.Absolute(whole.Policy, parts.Policy, 2e-6, "policy");
            Close.Absolute(whole.Value, parts.Value, 2e-6, "value model");
            Dictionary<string, double> expected = whole.Reports[^1].Metrics.Where(figure => figure.Key != "eps").ToDictionary();
            Close.Metrics(expected, parts.Reports[^1].Metrics, (_, value) => 1e-4 * Math.Max(1, Math.Abs(value)), $"{size} x {passes}");
        }
    }

    [TestMethod]
    public void Each_mini_batch_is_an_update()
    {
        EpisodeReplay plan = EpisodeReplay.Of(
            Quick with { PerDeviceTrainBatchSize = 3, GradientAccumulationSteps = 4, NumMiniBatches = 3 });
        int[][][] updates = [.. plan.Updates([.. Enumerable.Range(0, 12)])];
        CollectionAssert.AreEqual(new[] { "0 1 2|3", "4 5 6|7", "8 9 10|11" }, updates.Select(
            passes => string.Join('|', passes.Select(rows => string.Join(' ', rows)))).ToArray());
        Close.Differ(Train(Quick).Policy, Train(Quick with { NumMiniBatches = 2 }).Policy, 1e-4);
    }

    [TestMethod]
    public void At_step_0_KL_is_0_and_the_ratio_1()
    {
        StepReport first = Train(Quick with { MaxSteps = 1, NumPpoEpochs = 1 }).Reports[0];
        foreach (string name in new[] { "objective/kl", "objective/non_score_reward", "policy/approxkl_avg", "policy/clipfrac_avg" })
            Close.Absolute(0, first[name], 1e-5, name);
        Close.Absolute(1, first["val/ratio"], 1e-5, "ratio");
        Close.Absolute(0, first["val/ratio_var"], 0, "variance of a single update");
        Close.Absolute(first["objective/scores"], first["objective/rlhf_reward"], 1e-5, "reward");
        Close.Absolute(0, first["loss/policy_avg"], 1e-5, "advantages of mean 0 at ratio 1");
    }

    [TestMethod]
    public void Every_figure_of_TRL_is_reported_and_counts_are_the_latest()
    {
        List<StepReport> reports = Train(Quick with { MaxSteps = 4, LoggingSteps = 2, LrSchedulerType = LrSchedulerType.Linear }).Reports;
        Assert.HasCount(2, reports);
        foreach (string name in new[]
            {
                "eps", "objective/kl", "objective/entropy", "objective/non_score_reward", "objective/rlhf_reward", "objective/scores",
                "policy/approxkl_avg", "policy/clipfrac_avg", "policy/entropy_avg", "loss/policy_avg", "loss/value_avg",
                "val/clipfrac_avg", "val/ratio", "val/ratio_var", "val/num_eos_tokens", "lr", "episode",
            })
            Assert.IsTrue(double.IsFinite(reports[1][name]), name);
        Assert.AreEqual(16, reports[0]["episode"]);
        Assert.AreEqual(32, reports[1]["episode"]);
        Close.Absolute(0.25e-3, reports[1]["lr"], 1e-12); // the rate of the fourth of four steps
        Close.Above(0, reports[1]["eps"]);
        Close.Above(0, reports[0]["policy/entropy_avg"]);
        Close.Below(Math.Log(40), reports[0]["policy/entropy_avg"], "entropy of 40 tokens");
    }

    [TestMethod]
    public void Old_log_probabilities_of_the_sampler_are_those_of_a_pass()
    {
        ExperimentalPpoOptions run = Quick with { LearningRate = 0.02, Optim = OptimizerKind.Sgd, LocalRolloutForwardBatchSize = 3 };
        var known = Train(run);
        List<int[]> drawn = [];
        using CausalLanguageModel policy = Toys.Gpt2();
        using RewardModel value = Value();
        using var sampler = new RolloutSampler(policy, run.Seed);
        var work = new EpisodeWork(Prompts, new Scorer(SmallIds), (queries, cancel) =>
        {
            // the same draws, without what the sampler knows of them
            IReadOnlyList<int[]> responses = sampler.Generate(sampler.Batches(queries, run.Generation, null, null), null, cancel);
            sampler.Forget();
            drawn.AddRange(responses);
            return responses;
        });
        Loops.ExperimentalPpo(policy, value, null, run, work);
        Close.Absolute(known.Policy, Toys.Flat(policy.Weights()), 2e-6, "policy");
        Close.Absolute(known.Value, Toys.Flat(value.Weights()), 2e-6, "value model");
        Assert.HasCount(16, drawn);
    }

    [TestMethod]
    public void Reward_rises_and_the_value_model_learns_it()
    {
        ExperimentalPpoOptions run = Quick with
        {
            MaxSteps = 40, PerDeviceTrainBatchSize = 16, NumPpoEpochs = 4, LearningRate = 1e-2, KlCoef = 0.01, VfCoef = 1,
        };
        List<StepReport> reports = Train(run).Reports;
        double Mean(IEnumerable<StepReport> steps, string figure) => steps.Average(report => report[figure]);
        Close.Above(Mean(reports.Take(4), "objective/scores") + 0.15, Mean(reports.TakeLast(4), "objective/scores"), "score");
        Close.Below(Mean(reports.Take(4), "loss/value_avg") / 2, Mean(reports.TakeLast(4), "loss/value_avg"), "value loss");
        Close.Above(0.1, Mean(reports.TakeLast(4), "objective/kl"), "the policy has moved");
    }

    [TestMethod]
    public void The_end_of_a_response_is_learned()
    {
        // the shorter the better: the end token must become likely
        ExperimentalPpoOptions run = Quick with { MaxSteps = 40, PerDeviceTrainBatchSize = 16, LearningRate = 1e-2, KlCoef = 0 };
        List<StepReport> reports = Train(run, response => 1.0 / response.Length).Reports;
        Close.Above(reports[0]["val/num_eos_tokens"] + 4, reports[^1]["val/num_eos_tokens"], "ends in 16 responses");
    }

    [TestMethod]
    public void A_response_that_was_cut_pays_the_penalty()
    {
        ExperimentalPpoOptions run = Quick with { MaxSteps = 1 };
        StepReport free = Train(run).Reports[0], charged = Train(run with { MissingEosPenalty = 2.5 }).Reports[0];
        double cut = 1 - (free["val/num_eos_tokens"] / 8);
        Close.Above(0, cut, "some are cut");
        Close.Below(1, cut, "some are not");
        Close.Absolute(free["objective/scores"] - (2.5 * cut), charged["objective/scores"], 1e-5, "score");
        // where no token ends a response, one of the model's own end tokens in it still counts
        StepReport open = Train(run with { MissingEosPenalty = 2.5, Generation = run.Generation with { EosTokenIds = [] } }).Reports[0];
        StepReport openFree = Train(run with { Generation = run.Generation with { EosTokenIds = [] } }).Reports[0];
        Close.Absolute(openFree["objective/scores"] - 2.5, open["objective/scores"], 1e-5, "the toy has no end token");
    }

    [TestMethod]
    public void Without_a_weight_the_value_model_stays_as_it_was()
    {
        using RewardModel before = Value();
        CollectionAssert.AreEqual(Toys.Flat(before.Weights()), Train(Quick with { VfCoef = 0 }).Value);
        CollectionAssert.AreNotEqual(Toys.Flat(before.Weights()), Train(Quick).Value);
    }

    [TestMethod]
    public void Same_seed_same_weights_other_seed_other_weights()
    {
        var first = Train(Quick);
        CollectionAssert.AreEqual(first.Policy, Train(Quick).Policy);
        CollectionAssert.AreEqual(first.Value, Train(Quick).Value);
        CollectionAssert.AreNotEqual(first.Policy, Train(Quick with { Seed = 43 }).Policy);
    }

    [TestMethod]
    public void No_tensor_outlives_a_run() => Leaks.None(() => Train(
        Quick with { GradientAccumulationSteps = 2, PerDeviceTrainBatchSize = 4, NumMiniBatches = 2, WhitenRewards = true, MaxSteps = 3 }));

    public static IEnumerable<object[]> Kinds => MemorySavingTests.Kinds;

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Options_that_save_memory_end_with_the_same_weights(string kind) => MemorySavingTests.Same(kind, options =>
    {
        var run = Train(options.On(Quick));
        return [.. run.Policy, .. run.Value];
    });

    [TestMethod]
    public void Options_of_training_change_what_is_learnt()
    {
        float[] plain = Train(Quick).Policy, value = Train(Quick).Value;
        foreach (ExperimentalPpoOptions run in new[]
            {
                Quick with { MaxGradNorm = 1e-3 },
                Quick with { FreezeFirstLayers = 1 },
                Quick with { LisaActivatedLayers = 1 },
                Quick with { LayerwiseLearningRateDecay = 0.5 },
                Quick with { Optim = OptimizerKind.Lion },
                Quick with { WeightAveraging = new() { UpdateFreq = 1 } },
                Quick with { Cliprange = 1e-4 },
                Quick with { Lam = 0.2 },
                Quick with { Gamma = 0.5 },
                Quick with { WhitenRewards = true },
                Quick with { Generation = Quick.Generation with { Temperature = 1 } },
            })
            Close.Differ(plain, Train(run).Policy, 1e-7, run.ToString());
        var rates = new Dictionary<string, double> { ["value_model"] = 0 };
        var still = Train(Quick with { LearningRateMultipliers = rates });
        using RewardModel before = Value();
        CollectionAssert.AreEqual(Toys.Flat(before.Weights()), still.Value);
        Close.Differ(value, Train(Quick with { CliprangeValue = 1e-4 }).Value, 1e-7, "CliprangeValue");
    }

    [TestMethod]
    public void A_price_of_KL_holds_the_policy_to_its_reference()
    {
        using CausalLanguageModel other = Toys.Gpt2(seed: 5);
        ExperimentalPpoOptions run = Quick with
        {
            MaxSteps = 40, PerDeviceTrainBatchSize = 16, NumPpoEpochs = 4, LearningRate = 1e-2, KlEstimator = KlEstimator.K3,
        };
        double Last(double price) => Train(run with { KlCoef = price }, _ => 0, reference: other).Reports[^1]["objective/kl"];
        double dear = Last(1), free = Last(0);
        Close.Below(0.8 * free, dear, "KL to another model");
        Close.Above(0, dear, "k3 is not negative");
    }

    [TestMethod]
    public void Samples_come_as_often_as_asked()
    {
        int Shown(int generations) => Train(Quick with { MaxSteps = 6, NumSampleGenerations = generations, NumCompletionsToPrint = 3 })
            .Reports.Count(report => report.Completions.Count == 3);
        Assert.AreEqual(0, Shown(0));
        Assert.AreEqual(2, Shown(2));
        Assert.AreEqual(6, Shown(6));
        Assert.AreEqual(6, Shown(100));
    }
}
