using Microsoft.Data.Analysis;

namespace Microsoft.ML.Trl.Tests.Tracking;

[TestClass]
public sealed class TrainingHistoryTests
{
    private static readonly Dictionary<string, double> First = new() { ["loss"] = 2.5, ["objective/kl"] = double.NaN };
    private static readonly Dictionary<string, double> Second = new() { ["loss"] = 0.1 + 0.2, ["extra"] = double.PositiveInfinity };

    private static readonly StepReport[] Reports =
    [
        new("PPO", 1, 2, First, 10, TimeSpan.FromSeconds(1.5)),
        new("PPO", 2, 2, Second, 20, TimeSpan.FromSeconds(3))
        {
            Completions = [new("a \"b\"", "c\nd", double.NaN) { Reference = "e" }, new("p", "c", 0.1 + 0.2)], StopReason = "enough",
        },
    ];

    [TestMethod]
    public void A_report_is_a_row_and_a_metric_a_column()
    {
        DataFrame frame = TrainingHistory.ToDataFrame(Reports);
        CollectionAssert.AreEqual(
            new[] { "Stage", "Step", "Tokens", "Seconds", "loss", "objective/kl", "extra" },
            frame.Columns.Select(column => column.Name).ToArray());
        Assert.AreEqual(2L, frame.Rows.Count);
        Assert.AreEqual("PPO", frame["Stage"][0]);
        Assert.AreEqual(2, frame["Step"][1]);
        Assert.AreEqual(20L, frame["Tokens"][1]);
        Assert.AreEqual(1.5, frame["Seconds"][0]);
        Assert.AreEqual(2.5, frame["loss"][0]);
        Assert.IsNull(frame["extra"][0]);
    }

    [TestMethod]
    public void Text_keeps_every_number_exactly()
    {
        IReadOnlyList<StepReport> read = TrainingHistory.FromText(TrainingHistory.ToText(Reports));
        Assert.HasCount(2, read);
        for (int i = 0; i < 2; i++)
        {
            CollectionAssert.AreEqual(Reports[i].Metrics.ToArray(), read[i].Metrics.ToArray());
            foreach ((SampleCompletion written, SampleCompletion back) in Reports[i].Completions.Zip(read[i].Completions))
                Assert.AreEqual(written with { Rewards = back.Rewards, Extra = back.Extra }, back);
            Assert.HasCount(Reports[i].Completions.Count, read[i].Completions);
            Assert.AreEqual(Reports[i] with { Metrics = read[i].Metrics, Completions = read[i].Completions }, read[i]);
        }
    }

    [TestMethod]
    public void No_reports_make_an_empty_table()
    {
        Assert.AreEqual(0L, TrainingHistory.ToDataFrame([]).Rows.Count);
        Assert.HasCount(0, TrainingHistory.FromText(TrainingHistory.ToText([])));
    }
}
