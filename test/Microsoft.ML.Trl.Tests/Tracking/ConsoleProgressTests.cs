
namespace Microsoft.ML.Trl.Tests.Tracking;

[TestClass]
public sealed class ConsoleProgressTests
{
    [TestMethod]
    public void A_line_shows_step_loss_speed_and_time_left()
    {
        using var writer = new StringWriter { NewLine = "\n" };
        new ConsoleProgress(writer, overwrite: false).Report(Report(10, 40, 1000, 20));
        Assert.AreEqual("SFT step 10/40: loss 1.2346, 50 tokens/s, 1:00 left\n", writer.ToString());
    }

    [TestMethod]
    public void On_a_terminal_a_line_is_written_over_and_ended_by_the_last_step()
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var progress = new ConsoleProgress(writer, overwrite: true);
        progress.Report(Report(1, 40, 1, 100));
        progress.Report(Report(40, 40, 1, 1));
        string[] parts = writer.ToString().Split('\r');
        Assert.HasCount(3, parts);
        Assert.AreEqual("SFT step 1/40: loss 1.2346, 0 tokens/s, 1:05:00 left", parts[1]);
        Assert.AreEqual("SFT step 40/40: loss 1.2346, 1 tokens/s, 0:00 left".PadRight(parts[1].Length) + "\n", parts[2]);
    }

    [TestMethod]
    public void In_a_file_only_the_first_and_the_last_line_come_at_once()
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var progress = new ConsoleProgress(writer, overwrite: false, TimeSpan.FromHours(1));
        foreach (int step in new[] { 1, 2, 3, 4, 1, 2 })
            progress.Report(Report(step, 4, 1, 1));
        string[] lines = writer.ToString().Split('\n');
        CollectionAssert.AreEqual(
            new[] { "SFT step 1/4", "SFT step 4/4", "SFT step 1/4", "" }, lines.Select(line => line.Split(':')[0]).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConsoleProgress(writer, false, TimeSpan.FromSeconds(-1)));
    }

    [TestMethod]
    public void A_sample_completion_stands_at_the_end_of_the_line()
    {
        using var writer = new StringWriter { NewLine = "\n" };
        string text = "  two\nlines of " + new string('x', 60);
        StepReport report = Report(10, 40, 1000, 20) with { Completions = [new("prompt", text, 0.126), new("other", "not shown", 1)] };
        new ConsoleProgress(writer, overwrite: false).Report(report);
        Assert.EndsWith($"1:00 left, \"two lines of {new string('x', 35)}...\" 0.13\n", writer.ToString());
    }

    [TestMethod]
    public void Completions_are_a_table_on_demand_and_stay_on_a_terminal()
    {
        using var writer = new StringWriter { NewLine = "\n" };
        SampleCompletion[] completions =
        [
            new("one\ntwo", new string('x', 70), 0.126) { Reference = "r" }, new("p", "c", double.NaN), new("not", "shown", 1),
        ];
        StepReport report = Report(10, 40, 1000, 20) with { Completions = completions };
        var progress = new ConsoleProgress(writer, overwrite: true) { CompletionsToPrint = 2 };
        progress.Report(report);
        progress.Report(Report(11, 40, 1000, 20));
        string wide = new string('x', 57) + "...";
        CollectionAssert.AreEqual(
            new[]
            {
                "\rSFT step 10/40: loss 1.2346, 50 tokens/s, 1:00 left",
                $"  prompt  | {"completion",-60} | reference | score",
                $"  --------+-{new string('-', 60)}-+-----------+------",
                $"  one two | {wide} | r         | 0.13",
                $"  p       | {"c",-60} |           |",
                "\rSFT step 11/40: loss 1.2346, 50 tokens/s, 0:52 left",
            },
            writer.ToString().Split('\n'), writer.ToString());
    }

    [TestMethod]
    public void Evaluations_and_early_ends_have_lines_of_their_own()
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var progress = new ConsoleProgress(writer, overwrite: false, TimeSpan.FromHours(1));
        progress.Report(Report(1, 40, 1, 1));
        progress.Report(Report(2, 40, 1, 1));
        progress.Report(Report(2, 40, 1, 1) with { Metrics = new Dictionary<string, double> { ["eval_loss"] = 2 } });
        progress.Report(Report(3, 40, 1, 1) with { StopReason = "enough", TimeLeft = null });
        CollectionAssert.AreEqual(
            new[]
            {
                "SFT step 1/40: loss 1.2346, 1 tokens/s, 0:39 left", "SFT step 2/40: eval_loss 2.0000, 1 tokens/s, 0:19 left",
                "SFT step 3/40: loss 1.2346, 1 tokens/s, ended: enough", "",
            },
            writer.ToString().Split('\n'), writer.ToString());
    }

    private static StepReport Report(int step, int total, long tokens, double seconds) =>
        new("SFT", step, total, new Dictionary<string, double> { ["loss"] = 1.23456 }, tokens, TimeSpan.FromSeconds(seconds))
        {
            TimeLeft = TimeSpan.FromSeconds(seconds * (total - step) / step),
        };
}
