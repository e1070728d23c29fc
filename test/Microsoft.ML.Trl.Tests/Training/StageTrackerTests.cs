using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class StageTrackerTests
{
    [TestMethod]
    public void The_log_of_the_context_hears_each_report()
    {
        MLContext ml = new(1);
        List<string> log = [];
        ml.Log += (_, message) => log.Add(message.Message);
        using TextGenerationTransformer sft = ml.Trl()
            .Sft(Tiny.Source(), new SftOptions { MaxSteps = 3, LoggingSteps = 1 })
            .Fit(ml.Data.LoadFromEnumerable(Tiny.Pairs));
        string[] steps = [.. log.Where(line => line.Contains("SFT step", StringComparison.Ordinal))];
        Assert.HasCount(3, steps);
        Assert.Contains("Source=TRL SFT; Fit", steps[0]);
        Assert.Contains("Kind=Info", steps[0]);
        Assert.Contains("SFT step 1/3: loss ", steps[0]);
        Assert.AreEqual(3L, sft.History.Rows.Count);
        Assert.AreEqual(sft.Reports[2].Metrics["loss"], sft.History["loss"][2]);
    }

    [TestMethod]
    public void Braces_in_a_message_do_no_harm()
    {
        MLContext ml = new(1);
        List<string> log = [];
        ml.Log += (_, message) => log.Add(message.Message);
        using (var tracker = new StageTracker(new ComponentHost(ml, "TRL SFT"), null))
            tracker.Warn("a {0} and a {broken");
        Assert.IsTrue(log.Any(line => line.Contains("a {0} and a {broken", StringComparison.Ordinal)), string.Join("\n", log));
    }

    [TestMethod]
    public void A_longer_limit_than_the_context_is_mentioned()
    {
        MLContext ml = new(1);
        List<string> log = [];
        ml.Log += (_, message) => log.Add(message.Message);
        using TextGenerationTransformer sft = ml.Trl()
            .Sft(Tiny.Source(), new SftOptions { MaxSteps = 1 })
            .Fit(ml.Data.LoadFromEnumerable(Tiny.Pairs));
        const string Warning = "MaxLength (1024) is more than the model's context; rows have 32 tokens at most.";
        Assert.IsTrue(log.Any(line => line.Contains(Warning, StringComparison.Ordinal)));
    }
}
