using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class StepLogTests
{
    [TestMethod]
    public void A_report_holds_means_since_the_last_one_and_the_state_of_now()
    {
        List<StepReport> reports = Run(5, new SftOptions { LoggingSteps = 2 });
        CollectionAssert.AreEqual(new[] { 2, 4, 5 }, reports.Select(report => report.Step).ToArray()); // the last step always reports
        Assert.AreEqual((1.5, 2.0, 0.2, 20.0, 20L), (
            reports[0]["loss"], reports[0]["grad_norm"], reports[0]["learning_rate"], reports[0]["num_tokens"], reports[0].Tokens));
        Assert.AreEqual((3.5, 35.0, 0.4), (reports[1]["loss"], reports[1]["entropy"], reports[1]["epoch"]));
        Assert.AreEqual((5.0, "SFT", 5), (reports[2]["loss"], reports[2].Stage, reports[2].TotalSteps));
        Assert.IsTrue(double.IsNaN(reports[2]["accuracy"]));
    }

    [TestMethod]
    public void An_interval_below_1_is_a_share_of_the_run_and_the_first_step_reports_on_demand()
    {
        CollectionAssert.AreEqual(new[] { 3, 6, 8 }, Run(8, new SftOptions { LoggingSteps = 0.3 }).Select(report => report.Step).ToArray());
        CollectionAssert.AreEqual(
            new[] { 1, 8 }, Run(8, new SftOptions { LoggingFirstStep = true }).Select(report => report.Step).ToArray());
    }

    private static List<StepReport> Run(int steps, SftOptions options)
    {
        var progress = new Collected();
        var log = new StepLog("SFT", steps, options, progress);
        for (int step = 1; step <= steps; step++)
        {
            log.CountTokens(10);
            log.Note("entropy", step * 10);
            log.NoteUpdate(loss: step, gradientNorm: step, learningRate: step / 10.0);
            log.EndStep(step, step / 10.0);
        }
        return progress.Reports;
    }
}
