using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class RemainingTimeTests
{
    [TestMethod]
    public void The_first_step_is_not_part_of_the_pace()
    {
        var left = new RemainingTime(10, 10);
        Assert.AreEqual(TimeSpan.FromSeconds(90), left.After(1, 1, TimeSpan.FromSeconds(10))); // all there is to go by
        Assert.AreEqual(TimeSpan.FromSeconds(8), left.After(1, 1, TimeSpan.FromSeconds(11)));
        Assert.AreEqual(TimeSpan.FromSeconds(8), left.After(0, 0, TimeSpan.FromSeconds(12))); // told twice of one step
        Close.Relative(7 * 5 / 3.0, left.After(1, 1, TimeSpan.FromSeconds(13)).TotalSeconds, 1e-6); // 1 s, and twice 2 s
    }

    [TestMethod]
    public void What_steps_take_for_themselves_and_for_their_tokens_is_told_apart()
    {
        var left = new RemainingTime(5, 5 + 40 + 10 + 20 + 5);
        left.After(1, 5, TimeSpan.FromSeconds(100));
        left.After(1, 40, TimeSpan.FromSeconds(142));                       // 2 s and 1 s per unit of work
        TimeSpan last = left.After(1, 10, TimeSpan.FromSeconds(154));
        Close.Relative((2 * 2) + 25, last.TotalSeconds, 1e-6);              // two steps of 20 and 5 units
    }

    [TestMethod]
    public void Neither_share_is_below_zero()
    {
        var left = new RemainingTime(4, 100);
        left.After(1, 10, TimeSpan.FromSeconds(1));
        left.After(1, 10, TimeSpan.FromSeconds(3));
        Close.Relative(4 / 3.0, left.After(1, 40, TimeSpan.FromSeconds(4)).TotalSeconds, 1e-6); // more work took less: 2 s, and twice 1 s
        Assert.AreEqual(TimeSpan.Zero, left.After(1, 40, TimeSpan.FromSeconds(5)));
    }

    /// <summary>Steps take half a second and some for their tokens; what the run says after a tenth of it is what it takes.</summary>
    [TestMethod]
    [DataRow(TrainSamplingStrategy.Random)]
    [DataRow(TrainSamplingStrategy.Sequential)]
    [DataRow(TrainSamplingStrategy.GroupByLength)]
    public void After_a_tenth_of_the_steps_it_is_within_15_percent(TrainSamplingStrategy strategy)
    {
        int[] lengths = [.. Enumerable.Range(0, 1000).Select(i => 400 - (i * 2 / 5))]; // the longest first
        var plan = new EpochPlan(lengths, new SftOptions { TrainSamplingStrategy = strategy, NumTrainEpochs = 1 });
        var left = new RemainingTime(plan.TotalSteps, plan.TotalWork);
        static double Seconds(StepPlan step) => 0.5 + (step.Work * 1e-4);
        double clock = 60, total = 60 + plan.Steps().Sum(Seconds); // a minute before the first step
        foreach (StepPlan step in plan.Steps().Take(plan.TotalSteps / 10))
        {
            clock += Seconds(step);
            TimeSpan estimate = left.After(1, step.Work, TimeSpan.FromSeconds(clock));
            if (step.Number == plan.TotalSteps / 10)
                Close.Relative(total - clock, estimate.TotalSeconds, 0.15);
        }
    }
}
