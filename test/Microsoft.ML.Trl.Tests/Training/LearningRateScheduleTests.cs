using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class LearningRateScheduleTests
{
    [TestMethod]
    public void Every_schedule_equals_the_reference_at_every_step()
    {
        using JsonDocument json = Fixtures.Json("trajectories", "lr_schedules.json");
        int schedules = 0;
        foreach (JsonElement expected in json.RootElement.GetProperty("schedules").EnumerateArray())
        {
            string name = expected.GetProperty("name").GetString()!;
            var numbers = expected.GetProperty(
                "kwargs").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetDouble());
            var schedule = new LearningRateSchedule(
                Enum.Parse<LrSchedulerType>(name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true),
                expected.GetProperty("lr").GetDouble(),
                expected.GetProperty("num_warmup_steps").GetInt32(),
                expected.GetProperty("num_training_steps").GetInt32(),
                numbers);
            int step = 0;
            foreach (JsonElement value in expected.GetProperty("values").EnumerateArray())
            {
                string what = $"lr_schedules {name} {expected.GetProperty("kwargs")} step {step}";
                Close.Absolute(value.GetDouble(), schedule.At(step), 1e-12, what);
                step++;
            }
            schedules++;
        }
        Assert.IsGreaterThan(20, schedules);
    }

    [TestMethod]
    public void Warm_up_below_1_is_a_share_of_the_run()
    {
        var schedule = new LearningRateSchedule(LrSchedulerType.Linear, 1, 0.25, 10); // ceil(2.5) = 3 steps
        Assert.AreEqual(0, schedule.At(0));
        Close.Absolute(2 / 3.0, schedule.At(2), 1e-12);
        Close.Absolute(1, schedule.At(3), 1e-12);
    }

    [TestMethod]
    public void A_constant_rate_never_moves() =>
        Close.Absolute(0.3, new LearningRateSchedule(LrSchedulerType.Constant, 0.3, 0, 1).At(1000), 1e-15);

    [TestMethod]
    [DataRow(LrSchedulerType.Linear, "power", "LrSchedulerKwargs has 'power', which the Linear schedule does not know; it knows none.")]
    [DataRow(LrSchedulerType.Polynomial, "powre",
        "LrSchedulerKwargs has 'powre', which the Polynomial schedule does not know; it knows lr_end, power.")]
    [DataRow(LrSchedulerType.CosineWithMinLr, "num_cycles",
        "The CosineWithMinLr schedule needs either 'min_lr' or 'min_lr_rate' in LrSchedulerKwargs.")]
    [DataRow(LrSchedulerType.WarmupStableDecay, "min_lr_ratio",
        "The WarmupStableDecay schedule needs 'num_decay_steps' in LrSchedulerKwargs.")]
    public void Numbers_that_a_schedule_does_not_know_or_lacks_are_named(LrSchedulerType kind, string number, string message)
    {
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => LearningRateSchedule.Check(kind, new Dictionary<string, double> { [number] = 1 }));
        StringAssert.StartsWith(error.Message, message);
    }
}
