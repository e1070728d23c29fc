using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Microsoft.ML.Trl.Cli;

using Text = Spectre.Console.Text; // in here the name is that of a namespace

/// <summary>A plan on a terminal.</summary>
internal static class PlanTable
{
    /// <summary>Names in JSON are those of the flags: snake case.</summary>
    public static JsonSerializerOptions Json { get; } =
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Writes the components, the verdict, and what takes less.</summary>
    public static void Write(TrainingPlan plan, IAnsiConsole console)
    {
        (string trained, string frozen) = (Count(plan.TrainedParameters), Count(plan.FrozenParameters));
        console.MarkupLineInterpolated(
            $"[bold]{plan.Method}[/] of a {plan.ModelType} model: {trained} parameters trained, {frozen} frozen");
        console.MarkupLineInterpolated($"for {plan.Lengths}; most memory at: {plan.PeakMoment}");
        var table = new Table().AddColumn("component").AddColumn(new TableColumn("memory").RightAligned()).AddColumn("made of");
        foreach (TrainingPlanRow row in plan.Rows)
            table.AddRow(new Text(row.Component), new Text(Size(row.Bytes)), new Text(row.Detail));
        table.AddRow(new Markup("[bold]peak[/]"), new Markup($"[bold]{Size(plan.PeakBytes)}[/]"), Verdict(plan));
        if (plan.SecondsPerStep is { } seconds)
            table.AddRow("time per step", string.Create(CultureInfo.InvariantCulture, $"{seconds:G3} s"), "estimated");
        console.Write(table);
        if (plan.Advice.Count > 0)
            console.Write(Advice(plan));
    }

    private static Table Advice(TrainingPlan plan)
    {
        var table = new Table().Title(plan.Fits == false ? "To make it fit" : "What takes less")
            .AddColumn("option").AddColumn(new TableColumn("saves").RightAligned()).AddColumn(new TableColumn("peak").RightAligned())
            .AddColumn("fits").AddColumn("price");
        foreach (TrainingPlanAdvice advice in plan.Advice)
            table.AddRow(
                new Text(advice.Change), new Text(Size(advice.SavedBytes)), new Text(Size(advice.PeakBytes)),
                new Text(advice.Fits switch { true => "yes", false => "no", _ => "?" }), new Text(advice.Price));
        return table;
    }

    private static Markup Verdict(TrainingPlan plan) => (plan.Fits, plan.AvailableBytes) switch
    {
        (true, { } free) => new Markup($"[green]fits[/] in the {Size(free)} that are free"),
        (false, { } free) => new Markup($"[red]does not fit[/] in the {Size(free)} that are free"),
        _ => new Markup("of a device whose memory is not known"),
    };

    private static string Size(long bytes) => bytes >= 1_000_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:N2} GB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB");

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
