using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl.Tracking;

/// <summary>A report as one line of text.</summary>
internal static class StepLine
{
    // The figure that tells most about a stage, by its own name.
    private static readonly (string Key, string Label)[] Figures =
    [
        ("loss", "loss"), ("ppo/loss/total", "loss"), ("eval_loss", "eval_loss"),
        ("eval_reward", "eval_reward"), ("accuracy", "accuracy"), ("rewards/accuracies", "accuracy"),
        ("env/reward_mean", "score"), ("reward_mean", "reward"), ("objective/kl", "kl"),
    ];

    private const int LongestSample = 48;

    /// <summary>Such as <c>SFT step 10/120: loss 2.3456, 5120 tokens/s, 1:05 left</c>.</summary>
    public static string Of(StepReport report)
    {
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"{report.Stage} step {report.Step}/{report.TotalSteps}");
        string separator = ": ";
        foreach ((string key, string label) in Figures)
            if (report.Metrics.TryGetValue(key, out double value) && !line.ToString().Contains(label, StringComparison.Ordinal))
            {
                line.Append(separator).Append(CultureInfo.InvariantCulture, $"{label} {value:0.0000}");
                separator = ", ";
            }
        double seconds = report.Elapsed.TotalSeconds;
        if (seconds > 0 && report.Tokens > 0)
        {
            line.Append(separator).Append(CultureInfo.InvariantCulture, $"{report.Tokens / seconds:0} tokens/s");
            separator = ", ";
        }
        if (report.TimeLeft is { } left)
            line.Append(separator).Append(Left(left));
        if (report.StopReason is { } reason)
            line.Append(separator).Append(CultureInfo.InvariantCulture, $"ended: {reason}");
        if (report.Completions.Count > 0)
            line.Append(CultureInfo.InvariantCulture, $", {Sample(report.Completions[0])}");
        return line.ToString();
    }

    private static string Sample(SampleCompletion sample)
    {
        string line = sample.Completion.ReplaceLineEndings(" ").Trim();
        string text = line.Length <= LongestSample ? line : line[..LongestSample] + "...";
        string score = double.IsNaN(sample.Score) ? "" : string.Create(CultureInfo.InvariantCulture, $" {sample.Score:0.00}");
        return $"\"{text}\"{score}";
    }

    private static string Left(TimeSpan left) => left.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)left.TotalHours}:{left.Minutes:00}:{left.Seconds:00} left")
        : string.Create(CultureInfo.InvariantCulture, $"{left.Minutes}:{left.Seconds:00} left");
}
