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
            var numbers = expected.GetProperty("kwargs").EnumerateObject()
                .ToDictionary(entry => entry.Name, entry => entry.Value.GetDouble());
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
    public void A_function_of_the_user_is_asked_for_step_and_length()
    {
        var options = new SftOptions { LearningRate = 0.5, LearningRateFactor = (step, total) => (double)step / total, WarmupSteps = 3 };
        LearningRateSchedule schedule = LearningRateSchedule.Of(options, 4);
        Close.Absolute([0, 0.125, 0.25, 0.375], [.. Enumerable.Range(0, 4).Select(schedule.At)], 1e-15);
    }

    [TestMethod]
    public void A_function_that_gives_no_factor_or_throws_is_told_as_such()
    {
        Told("LearningRateFactor gave NaN for step 2 of 4; it must give a finite number, 0 or greater.", (_, _) => double.NaN);
        Told("LearningRateFactor gave -1 for step 2 of 4;", (_, _) => -1);
        Told("LearningRateFactor threw NotImplementedException for step 2 of 4: soon", (_, _) => throw new NotImplementedException("soon"));

        static void Told(string message, Func<int, int, double> factor)
        {
            LearningRateSchedule schedule = LearningRateSchedule.Of(new SftOptions { LearningRateFactor = factor }, 4);
            StringAssert.StartsWith(Assert.ThrowsExactly<InvalidOperationException>(() => schedule.At(2)).Message, message);
        }
    }

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
