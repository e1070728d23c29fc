using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Analysis;

namespace Microsoft.ML.Trl.Tracking;

/// <summary>The reports of a run, kept: as a table, and as text for the model file.</summary>
internal static class TrainingHistory
{
    /// <summary>Where a model file keeps the text.</summary>
    public const string FileName = "history.jsonl";

    private static readonly JsonSerializerOptions Json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>One row per report: Stage, Step, Tokens, Seconds and a column per metric; empty where a report lacks the metric.</summary>
    public static DataFrame ToDataFrame(IReadOnlyList<StepReport> reports)
    {
        List<DataFrameColumn> columns =
        [
            new StringDataFrameColumn("Stage", reports.Select(report => report.Stage)),
            new Int32DataFrameColumn("Step", reports.Select(report => report.Step)),
            new Int64DataFrameColumn("Tokens", reports.Select(report => report.Tokens)),
            new DoubleDataFrameColumn("Seconds", reports.Select(report => report.Elapsed.TotalSeconds)),
        ];
        foreach (string metric in reports.SelectMany(report => report.Metrics.Keys).Distinct())
            columns.Add(new DoubleDataFrameColumn(
                metric, reports.Select(report => report.Metrics.TryGetValue(metric, out double value) ? value : (double?)null)));
        return new DataFrame(columns);
    }

    /// <summary>One line of JSON per report.</summary>
    public static string ToText(IReadOnlyList<StepReport> reports) =>
        string.Concat(reports.Select(report => JsonSerializer.Serialize(report, Json) + "\n"));

    /// <summary>What <see cref="ToText"/> wrote.</summary>
    /// <exception cref="FormatException">A line is no report; the message has its number.</exception>
    public static IReadOnlyList<StepReport> FromText(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Report)];

    private static StepReport Report(string line, int index)
    {
        try
        {
            return JsonSerializer.Deserialize<StepReport>(line, Json) ?? throw new FormatException($"line {index + 1} is null.");
        }
        catch (JsonException cause)
        {
            throw new FormatException($"line {index + 1} is no report: {cause.Message}", cause);
        }
    }
}
