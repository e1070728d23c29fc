using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Pipeline;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;

/// <summary>The estimator: where its four models come from, what it hands out, and what it leaves alone.</summary>
[TestClass]
public sealed class ExperimentalPpoFitTests
{
    private static readonly ExperimentalPpoOptions Quick = new()
    {
        PerDeviceTrainBatchSize = 4, MaxSteps = 2, NumPpoEpochs = 2, LearningRate = 1e-2, Generation = new() { MaxNewTokens = 6, Seed = 3 },
    };

    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    public void A_chain_fits_saves_loads_and_scores_what_the_trained_policy_writes()
    {
        using var chain = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 2, LearningRate = 1e-2 })
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 }))
            .Append(_ml.Trl().ExperimentalPpo(Quick))
            .Fit(Rows);
        Assert.IsNull(chain.LastTransformer.Model.ValueHead);
        StepReport last = chain.LastTransformer.Reports[^1];
        Assert.AreEqual(("Experimental PPO", 2, 2), (last.Stage, last.Step, last.TotalSteps));
        Assert.IsNotEmpty(last.Completions);
        Tiny.ScoredAnswer[] expected = SavedChain.Read<Tiny.ScoredAnswer>(chain.Transform(Rows));
        using var zip = new MemoryStream();
        _ml.Model.Save(chain, Rows.Schema, zip);
        using var loaded = (TransformerChain<ITransformer>)SavedChain.Load(zip.ToArray());
        Tiny.ScoredAnswer[] found = SavedChain.Read<Tiny.ScoredAnswer>(loaded.Transform(Rows));
        for (int row = 0; row < expected.Length; row++)
        {
            Assert.AreEqual(expected[row].Completion, found[row].Completion);
            Close.Absolute(expected[row].Score, found[row].Score, 1e-5, "score");
        }
    }

    [TestMethod]
    public void Two_fits_are_equal_and_leave_all_that_they_start_from_as_it_was()
    {
        using LanguageModel policy = Tiny.Model();
        using TextRewardModel reward = Reward(4), value = Reward(5);
        float[] Weights() =>
            [.. Toys.Flat(policy.Network.Weights()), .. Toys.Flat(reward.Network.Weights()), .. Toys.Flat(value.Network.Weights())];
        float[] before = Weights();
        ExperimentalPpoTrainer trainer = _ml.Trl().ExperimentalPpo(
            ModelSource.FromModel(policy), ModelSource.FromModel(reward), Quick, ModelSource.FromModel(value));
        using TextGenerationTransformer first = trainer.Fit(Rows), second = trainer.Fit(Rows);
        CollectionAssert.AreEqual(before, Weights());
        CollectionAssert.AreEqual(Toys.Flat(first.Model.Network.Weights()), Toys.Flat(second.Model.Network.Weights()));
        CollectionAssert.AreNotEqual(Toys.Flat(policy.Network.Weights()), Toys.Flat(first.Model.Network.Weights()));
    }

    [TestMethod]
    public void The_value_model_starts_from_the_reward_model_or_the_policy_where_none_is_given()
    {
        using TextRewardModel reward = Reward(4), other = Reward(5);
        ModelSource start = Tiny.Source(), scoring = ModelSource.FromModel(reward);
        double[] First(ExperimentalPpoTrainer trainer)
        {
            using TextGenerationTransformer fitted = trainer.Fit(Rows);
            return [.. fitted.Reports.Select(report => report["loss/value_avg"])];
        }
        double[] copied = First(_ml.Trl().ExperimentalPpo(start, scoring, Quick));
        CollectionAssert.AreEqual(copied, First(_ml.Trl().ExperimentalPpo(start, scoring, Quick, scoring)));
        CollectionAssert.AreEqual(copied, First(_ml.Trl().ExperimentalPpo(start, RewardFunction.FromModel(reward), Quick)));
        CollectionAssert.AreNotEqual(copied, First(_ml.Trl().ExperimentalPpo(start, scoring, Quick, ModelSource.FromModel(other))));
        RewardFunction length = RewardFunction.Of((_, text) => text.Length);
        double[] headed = First(_ml.Trl().ExperimentalPpo(start, length, Quick));
        CollectionAssert.AreEqual(headed, First(_ml.Trl().ExperimentalPpo(start, length, Quick, start)));
        CollectionAssert.AreNotEqual(headed, First(_ml.Trl().ExperimentalPpo(start, length, Quick, scoring)));
    }

    [TestMethod]
    public void An_adapter_is_trained_beside_a_base_that_is_also_the_reference()
    {
        using LanguageModel start = Tiny.Model();
        float[] before = Toys.Flat(start.Network.Weights());
        ExperimentalPpoOptions options = Quick with { Peft = new() { R = 4, TargetModules = [LoraOptions.AllLinear] } };
        using TextGenerationTransformer fitted = _ml.Trl().ExperimentalPpo(
            ModelSource.FromModel(start), RewardFunction.Of((_, text) => text.Length), options).Fit(Rows);
        CollectionAssert.AreEqual(before, Toys.Flat(start.Network.Weights()));
        using var scope = NewDisposeScope();
        CollectionAssert.AreEqual(before, Toys.Flat(fitted.Model.Network.BaseWeights()));
        Close.Differ(before, Toys.Flat(fitted.Model.Network.Weights()), 1e-5, "with the adapter");
        Close.Absolute(0, fitted.Reports[0]["objective/kl"], 1e-5, "KL at step 0");
        Close.Differ([0f], [(float)fitted.Reports[1]["objective/kl"]], 1e-6, "KL at step 1");
    }

    [TestMethod]
    public void Cancelling_hands_out_what_was_reached()
    {
        using var source = new CancellationTokenSource();
        var progress = new Collected(report => source.Cancel());
        var canceled = Assert.ThrowsExactly<TrainingCanceledException>(() => _ml.Trl().ExperimentalPpo(
            Tiny.Source(), RewardFunction.Of((_, _) => 1), Quick with { MaxSteps = 9 }, progress: progress,
            cancel: source.Token).Fit(Rows));
        using var reached = (TextGenerationTransformer)canceled.Model!;
        Assert.AreEqual(1, canceled.Step);
        Assert.IsFalse(string.IsNullOrEmpty(canceled.Message));
    }

    [TestMethod]
    public void Other_ways_to_run_end_too()
    {
        RewardFunction reward = RewardFunction.Of((_, text) => text.Length);
        foreach (ExperimentalPpoOptions options in new[]
            {
                Quick with { Bf16 = true },
                Quick with { Fp16 = true },
                Quick with { ReferenceModel = ReferenceKind.Int8 },
                Quick with { BaseQuantization = WeightQuantization.Nf4, Peft = new() { TargetModules = [LoraOptions.AllLinear] } },
                Quick with { Generation = Quick.Generation with { StopStrings = ["o"] }, MissingEosPenalty = 1 },
                Quick with { WeightAveraging = new() { UpdateFreq = 1 } },
            })
        {
            using TextGenerationTransformer fitted = _ml.Trl().ExperimentalPpo(Tiny.Source(), reward, options).Fit(Rows);
            Assert.IsTrue(double.IsFinite(fitted.Reports[^1]["loss"]), options.ToString());
        }
    }

    private static TextRewardModel Reward(int seed) => new(RewardModel.Create(Tiny.Config(), seed), Tiny.Tokenizer);
}
