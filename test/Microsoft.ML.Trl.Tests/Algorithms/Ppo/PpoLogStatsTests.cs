using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>Reports of a loop that a user writes.</summary>
[TestClass]
public sealed class PpoLogStatsTests
{
    private static readonly PpoOptions Quick = new() { Steps = 8, BatchSize = 2, MiniBatchSize = 2, PpoEpochs = 1 };

    private static readonly int[][] Queries = [[1, 2], [3]], Responses = [[4], [5, 6]];

    [TestMethod]
    public void A_report_has_the_statistics_of_the_step_and_what_reports_of_the_estimator_have() => Leaks.None(() =>
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        var progress = new Collected();
        PpoStatistics first = session.Step(Queries, Responses, [1, 4]);
        session.LogStats(first, progress, ["a", "b"], ["c", "d"]);
        session.Step(Queries, Responses, [1, 2]);
        PpoStatistics third = session.Step(Queries, Responses, [1, 2]);
        session.LogStats(third, progress);
        StepReport report = progress.Reports[0], last = progress.Reports[1];
        foreach ((string name, double value) in first.Scalars)
            Assert.AreEqual(value, report[name], name);
        Assert.AreEqual(("PPO", 1, 4), (report.Stage, report.Step, report.TotalSteps)); // 8 prompts, 2 per step
        Assert.AreEqual((3, 18L, 18.0), (last.Step, last.Tokens, last["num_tokens"])); // 3 times 6 tokens
        Assert.AreEqual(first["ppo/loss/total"], report["loss"]);
        Assert.AreEqual(1.41e-5, report["learning_rate"], 1e-12);
        Close.Above(0, report["grad_norm"]);
        Assert.IsTrue(report.Elapsed > TimeSpan.Zero && last.Elapsed > report.Elapsed);
        CollectionAssert.AreEqual(
            new SampleCompletion[] { new("a", "c", 1), new("b", "d", 4) }, report.Completions.ToArray());
        Assert.IsEmpty(last.Completions);
        string[] ofTheLoop = ["loss", "grad_norm", "learning_rate", "num_tokens"];
        Assert.IsEmpty(ofTheLoop.Except(report.Metrics.Keys));
    });

    [TestMethod]
    public void Rewards_are_those_of_the_step_unless_others_are_given()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        var progress = new Collected();
        PpoStatistics statistics = session.Step(Queries, Responses, [1, 4]);
        session.LogStats(statistics, progress);
        session.LogStats(statistics, progress, ["a", "b"], ["c", "d"], rewards: [10, 20]);
        Close.Absolute(2.5, progress.Reports[0]["env/reward_mean"], 1e-9);
        Close.Absolute(Math.Sqrt(4.5), progress.Reports[0]["env/reward_std"], 1e-9); // 1.5² twice, over 1
        Close.Absolute(15, progress.Reports[1]["env/reward_mean"], 1e-9);
        Close.Absolute(Math.Sqrt(50), progress.Reports[1]["env/reward_std"], 1e-9);
        CollectionAssert.AreEqual(
            new SampleCompletion[] { new("a", "c", 10), new("b", "d", 20) }, progress.Reports[1].Completions.ToArray());
    }

    [TestMethod]
    public void The_console_shows_it()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        using var writer = new StringWriter();
        session.LogStats(session.Step(Queries, Responses, [1, 4]), new ConsoleProgress(writer, overwrite: false));
        StringAssert.StartsWith(writer.ToString(), "PPO step 1/4: loss ");
        StringAssert.Contains(writer.ToString(), "score 2.5000, kl 0.0000");
    }

    [TestMethod]
    public void What_does_not_fit_the_step_is_named()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick);
        using CausalLanguageModel another = Toys.Gpt2();
        using var fresh = new PpoSession(another, Quick);
        PpoStatistics statistics = session.Step(Queries, Responses, [1, 4]);
        var progress = new Collected();
        string Refused(string[]? queries, string[]? responses, double[]? rewards) =>
            Assert.ThrowsExactly<ArgumentException>(() => session.LogStats(statistics, progress, queries, responses, rewards)).Message;
        StringAssert.Contains(Refused(["a"], ["b", "c"], null), "queries has 1 rows, but the step had 2; give one for each.");
        StringAssert.Contains(Refused(["a", "b"], ["c"], null), "responses has 1 rows, but the step had 2; give one for each.");
        StringAssert.Contains(Refused(null, null, [1]), "rewards has 1 rows, but the step had 2; give one for each.");
        StringAssert.Contains(Refused(["a", "b"], null, null), "There are queries without responses; give both, or neither.");
        StringAssert.Contains(Refused(null, ["a", "b"], null), "There are responses without queries; give both, or neither.");
        StringAssert.Contains(
            Refused(null, null, [1, double.NaN]),
            "The reward of row 1 is NaN; rewards must be finite numbers: give those that Step learnt from.");
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => fresh.LogStats(statistics, progress)).Message,
            "The session has made no step that could be logged; call Step first.");
        Assert.IsEmpty(progress.Reports);
    }
}
