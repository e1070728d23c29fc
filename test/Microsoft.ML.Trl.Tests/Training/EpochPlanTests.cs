
namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class EpochPlanTests
{
    private static readonly SftOptions InOrder = new()
    {
        TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
        PerDeviceTrainBatchSize = 2,
        GradientAccumulationSteps = 2,
        NumTrainEpochs = 2,
    };

    [TestMethod]
    public void The_last_step_of_an_epoch_takes_what_is_left()
    {
        var plan = new EpochPlan(Ones(7), InOrder);
        Assert.AreEqual(4, plan.TotalSteps);
        Assert.AreEqual("0 1|2 3 @0.5; 4 5|6 @1; 0 1|2 3 @1.5; 4 5|6 @2", Text(plan));
    }

    [TestMethod]
    public void Dropping_the_last_batch_leaves_full_ones() =>
        Assert.AreEqual(
            "0 1|2 3 @0.5; 4 5 @1; 0 1|2 3 @1.5; 4 5 @2",
            Text(new EpochPlan(Ones(7), InOrder with { DataloaderDropLast = true })));

    [TestMethod]
    public void Max_steps_wins_over_epochs() =>
        Assert.AreEqual("0 1|2 3 @0.5; 4 5|6 @1; 0 1|2 3 @1.5", Text(new EpochPlan(Ones(7), InOrder with { MaxSteps = 3 })));

    [TestMethod]
    public void Half_an_epoch_is_half_of_its_steps_rounded_up() =>
        Assert.AreEqual("0 1|2 3 @0.5", Text(new EpochPlan(Ones(7), InOrder with { NumTrainEpochs = 0.5 })));

    [TestMethod]
    public void Shuffling_is_a_function_of_the_seed_and_visits_everything_once_per_epoch()
    {
        SftOptions random = InOrder with { TrainSamplingStrategy = TrainSamplingStrategy.Random, NumTrainEpochs = 2 };
        string first = Text(new EpochPlan(Ones(40), random));
        Assert.AreEqual(first, Text(new EpochPlan(Ones(40), random)));
        Assert.AreNotEqual(first, Text(new EpochPlan(Ones(40), random with { Seed = 43 })));
        Assert.AreEqual(first, Text(new EpochPlan(Ones(40), random with { Seed = 43, DataSeed = 42 })));
        int[][] steps = [.. new EpochPlan(Ones(40), random).Steps().Select(step => step.MicroBatches.SelectMany(batch => batch).ToArray())];
        int[][] epochs = [.. steps.Chunk(10).Select(epoch => epoch.SelectMany(step => step).ToArray())];
        CollectionAssert.AreNotEqual(epochs[0], epochs[1]);
        foreach (int[] epoch in epochs)
            CollectionAssert.AreEqual(Enumerable.Range(0, 40).ToArray(), epoch.Order().ToArray());
    }

    [TestMethod]
    public void The_order_does_not_depend_on_how_a_batch_is_split()
    {
        SftOptions random = InOrder with { TrainSamplingStrategy = TrainSamplingStrategy.Random };
        string whole(int size, int parts)
        {
            var plan = new EpochPlan(Ones(24), random with { PerDeviceTrainBatchSize = size, GradientAccumulationSteps = parts });
            return string.Join(";", plan.Steps().Select(step => string.Join(" ", step.MicroBatches.SelectMany(batch => batch))));
        }
        Assert.AreEqual(whole(8, 1), whole(2, 4));
        Assert.AreEqual(whole(8, 1), whole(1, 8));
    }

    [TestMethod]
    public void Grouping_by_length_puts_like_lengths_together()
    {
        int[] lengths = [.. Enumerable.Range(0, 200).Select(index => index * 37 % 100 + 1)];
        var plan = new EpochPlan(lengths, InOrder with { TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength, NumTrainEpochs = 1 });
        int[][] batches = [.. plan.Steps().SelectMany(step => step.MicroBatches)];
        CollectionAssert.AreEqual(Enumerable.Range(0, 200).ToArray(), batches.SelectMany(batch => batch).Order().ToArray());
        Assert.IsLessThanOrEqualTo(2, batches.Max(batch => batch.Max(index => lengths[index]) - batch.Min(index => lengths[index])));
    }

    [TestMethod]
    public void Nothing_to_train_on_is_said()
    {
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentException>(() => new EpochPlan([], InOrder)).Message,
            "There are no examples to train on");
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentException>(() => new EpochPlan([1], InOrder with { DataloaderDropLast = true })).Message,
            "DataloaderDropLast leaves nothing of 1 examples: PerDeviceTrainBatchSize is 2.");
    }

    [TestMethod]
    public void More_steps_than_can_be_counted_are_refused()
    {
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentException>(() => new EpochPlan(Ones(7), InOrder with { NumTrainEpochs = 1e12 })).Message,
            "NumTrainEpochs (1E+12) asks for 2E+12 steps (2 per epoch); at most 2147483647 are possible. Lower it, or set MaxSteps.");
        Assert.AreEqual(5, new EpochPlan(Ones(7), InOrder with { NumTrainEpochs = 1e12, MaxSteps = 5 }).TotalSteps);
    }

    [TestMethod]
    public void The_largest_batch_sizes_are_one_batch()
    {
        const int Most = int.MaxValue;
        SftOptions all = InOrder with { PerDeviceTrainBatchSize = Most, GradientAccumulationSteps = Most, NumTrainEpochs = 1 };
        Assert.AreEqual("0 1 2 @1", Text(new EpochPlan(Ones(3), all)));
        SftOptions grouped = all with { TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength };
        Assert.AreEqual("2 1 0 @1", Text(new EpochPlan([1, 2, 3], grouped))); // the longest first
    }

    private static int[] Ones(int count) => [.. Enumerable.Repeat(1, count)];

    private static string Text(EpochPlan plan) => string.Join("; ", plan.Steps().Select(step =>
        FormattableString.Invariant($"{string.Join("|", step.MicroBatches.Select(batch => string.Join(" ", batch)))} @{step.Epoch}")));
}
