using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;

namespace Microsoft.ML.Trl.Tests.Algorithms.Reward;

[TestClass]
public sealed class RewardLoopTests
{
    private static readonly RewardOptions Options = new(
        ) { LearningRate = 1e-2, PerDeviceTrainBatchSize = 4, NumTrainEpochs = 1, LoggingSteps = 1 };

    [TestMethod]
    public void One_by_eight_two_by_four_and_eight_by_one_accumulation_train_the_same_even_with_a_rest()
    {
        RewardOptions sgd = Options with { Optim = OptimizerKind.Sgd, LearningRate = 0.5, NumTrainEpochs = 2 };
        float[] whole = Train(sgd with { PerDeviceTrainBatchSize = 8 });
        foreach (int size in new[] { 1, 2, 4 })
        {
            RewardOptions parts = sgd with { PerDeviceTrainBatchSize = size, GradientAccumulationSteps = 8 / size };
            Close.Absolute(whole, Train(parts), 2e-6, $"{size} × {8 / size}");
        }
    }

    [TestMethod]
    public void Equal_seeds_give_identical_weights_and_another_seed_gives_others()
    {
        CollectionAssert.AreEqual(Train(Options with { Seed = 3 }), Train(Options with { Seed = 3 }));
        CollectionAssert.AreNotEqual(Train(Options with { Seed = 3 }), Train(Options with { Seed = 4 }));
    }

    [TestMethod]
    public void It_learns_which_side_is_better()
    {
        using RewardModel model = TinyModels.Reward();
        var progress = new Collected();
        new RewardLoop(model, Options with { MaxSteps = 40 }, progress).Run(TinyModels.Pairs(16));
        Close.Absolute(Math.Log(2), progress.Reports[0]["loss"], 0.1);
        Close.Below(0.1, progress.Reports[^1]["loss"]);
        Assert.AreEqual(1, progress.Reports[^1]["accuracy"]);
        Close.Above(1, progress.Reports[^1]["margin"]);
    }

    [TestMethod]
    public void Two_hundred_steps_leave_no_tensor_behind()
    {
        using RewardModel model = TinyModels.Reward();
        var live = new List<long>();
        new RewardLoop(model, Options with { MaxSteps = 200 }, new Collected(
            _ => live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount))).Run(TinyModels.Pairs(12));
        Assert.AreEqual(live[0], live[^1]);
    }

    [TestMethod]
    public void Long_pairs_are_left_out_and_impossible_ones_are_said()
    {
        using RewardModel model = TinyModels.Reward();
        var progress = new Collected();
        PreferenceExample fits = new([1], [2], [3]), tooLong = new([1], new int[40], [3]);
        new RewardLoop(model, Options with { MaxLength = 20 }, progress).Run([fits, tooLong]);
        Assert.AreEqual(4L, progress.Reports[0].Tokens);
        void fails(string message, RewardOptions options, params PreferenceExample[] pairs) =>
            StringAssert.StartsWith(
                Assert.ThrowsExactly<ArgumentException>(() => new RewardLoop(model, options).Run(pairs)).Message, message);
        fails("There are no examples to train on", Options);
        fails("All 1 pairs are longer than MaxLength (20 tokens); the shortest has 41.", Options with { MaxLength = 20 }, tooLong);
        fails("A pair has 41 tokens, the model reads 32 at most. Set MaxLength to 32 or less.", Options, tooLong);
    }

    [TestMethod]
    public void Cancelling_stops_between_two_steps()
    {
        using var source = new CancellationTokenSource();
        using RewardModel model = TinyModels.Reward();
        var progress = new Collected(_ => source.Cancel());
        Assert.AreEqual(1, Assert.ThrowsExactly<TrainingCanceledException>(
            () => new RewardLoop(model, Options with { MaxSteps = 5 }, progress).Run(TinyModels.Pairs(8), source.Token)).Step);
    }

    private static float[] Train(RewardOptions options)
    {
        using RewardModel model = TinyModels.Reward();
        new RewardLoop(model, options).Run(TinyModels.Pairs(13));
        return TinyModels.Flat(model.Weights());
    }
}
