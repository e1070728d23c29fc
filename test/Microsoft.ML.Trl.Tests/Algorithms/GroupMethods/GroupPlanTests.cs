using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

[TestClass]
public sealed class GroupPlanTests
{
    [TestMethod]
    [DataRow(2, 4, 1, "0:0 0:1|0:2 0:3|1:0 1:1", DisplayName = "a generation feeds two steps")]
    [DataRow(2, 2, 2, "0:0 0:1|0:0 0:1|1:0 1:1", DisplayName = "two passes over each generation")]
    [DataRow(4, 1, 2, "0:0 0:0 1:0 1:0|2:0 2:0 3:0 3:0|4:0 4:0 5:0 5:0", DisplayName = "a step needs two generations")]
    public void Passes_are_those_of_TRL(int accumulate, int perGeneration, int iterations, string expected)
    {
        var plan = new GroupPlan(12, Options(accumulate, perGeneration, iterations));
        string[] steps = [.. plan.Steps().Take(3).Select(
            step => string.Join(' ', plan.PassesOf(step.Number).Select(pass => $"{pass.Generation}:{pass.Part}")))];
        Assert.AreEqual(expected, string.Join('|', steps));
    }

    [TestMethod]
    public void Steps_and_epochs_are_those_of_the_prompts()
    {
        // 8 completions per pass, 4 per prompt: 2 prompts per pass; 12 prompts are 6 passes, twice over
        var plan = new GroupPlan(12, Options(2, 2, 2) with { NumTrainEpochs = 1.5, MaxSteps = -1 });
        Assert.AreEqual(4, plan.PromptsPerGeneration);
        Assert.AreEqual(9, plan.TotalSteps); // 18 passes
        Close.Absolute(1.0 / 6, plan.Steps().First().Epoch, 1e-12);
        Close.Absolute(1.5, plan.Steps().Last().Epoch, 1e-12);
    }

    [TestMethod]
    public void Old_log_probabilities_are_wanted_where_weights_move_under_a_generation()
    {
        Assert.IsFalse(new GroupPlan(12, Options(2, 2, 1)).LearnsFromOlderCompletions);
        Assert.IsFalse(new GroupPlan(12, Options(4, 2, 2)).LearnsFromOlderCompletions);
        Assert.IsTrue(new GroupPlan(12, Options(2, 2, 2)).LearnsFromOlderCompletions);
        Assert.IsTrue(new GroupPlan(12, Options(1, 2, 1)).LearnsFromOlderCompletions);
    }

    private static GrpoOptions Options(int accumulate, int perGeneration, int iterations) => new GrpoOptions
    {
        PerDeviceTrainBatchSize = 8,
        NumGenerations = 4,
        GradientAccumulationSteps = accumulate,
        StepsPerGeneration = perGeneration,
        NumIterations = iterations,
        MaxSteps = 3,
    }.Validated();
}
