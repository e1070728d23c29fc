using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class RemainingTimeTests
{
    [TestMethod]
    public void The_first_step_is_not_part_of_the_pace()
    {
        var left = new RemainingTime(10);
        Assert.AreEqual(TimeSpan.FromSeconds(90), left.After(1, TimeSpan.FromSeconds(10))); // all there is to go by
        Assert.AreEqual(TimeSpan.FromSeconds(8), left.After(1, TimeSpan.FromSeconds(11)));
        Assert.AreEqual(TimeSpan.FromSeconds(7), left.After(1, TimeSpan.FromSeconds(12)));
    }

    [TestMethod]
    public void Long_steps_count_by_their_work()
    {
        var left = new RemainingTime(100);
        left.After(40, TimeSpan.FromSeconds(5));
        Assert.AreEqual(TimeSpan.FromSeconds(20), left.After(40, TimeSpan.FromSeconds(45))); // 1 s per unit of work, 20 units left
        Assert.AreEqual(TimeSpan.Zero, left.After(20, TimeSpan.FromSeconds(65)));
    }

    /// <summary>Steps take as long as their padded tokens; what the run says after a tenth of it is what it takes.</summary>
    [TestMethod]
    [DataRow(TrainSamplingStrategy.Random)]
    [DataRow(TrainSamplingStrategy.Sequential)]
    [DataRow(TrainSamplingStrategy.GroupByLength)]
    public void After_a_tenth_of_the_steps_it_is_within_15_percent(TrainSamplingStrategy strategy)
    {
        int[] lengths = [.. Enumerable.Range(0, 1000).Select(i => 400 - (i * 2 / 5))]; // the longest first
        var plan = new EpochPlan(lengths, new SftOptions { TrainSamplingStrategy = strategy, NumTrainEpochs = 1 });
        var left = new RemainingTime(plan.TotalWork);
        double clock = 60, total = 60 + plan.Steps().Sum(step => step.Work); // a minute before the first step
        foreach (StepPlan step in plan.Steps().Take(plan.TotalSteps / 10))
        {
            clock += step.Work;
            TimeSpan estimate = left.After(step.Work, TimeSpan.FromSeconds(clock));
            if (step.Number == plan.TotalSteps / 10)
                Close.Relative(total - clock, estimate.TotalSeconds, 0.15);
        }
    }
}
