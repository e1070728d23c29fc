using System.Globalization;

namespace Microsoft.ML.Trl.Tracking;

/// <summary>Completions as a table of text, a row each.</summary>
internal static class CompletionTable
{
    private const int WidestCell = 60;

    /// <summary>A line of names, one of dashes, and one for each completion; none where there is no completion.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<SampleCompletion> completions)
    {
        if (completions.Count == 0)
            return [];
        List<string[]> columns =
        [
            ["prompt", .. completions.Select(row => Cell(row.Prompt))],
            ["completion", .. completions.Select(row => Cell(row.Completion))],
        ];
        if (completions.Any(row => row.Reference is not null))
            columns.Add(["reference", .. completions.Select(row => Cell(row.Reference ?? ""))]);
        if (completions.Any(row => !double.IsNaN(row.Score)))
            columns.Add(["score", .. completions.Select(row => Score(row.Score))]);
        int[] widths = [.. columns.Select(column => column.Max(cell => cell.Length))];
        string Line(int row) => "  " + string.Join(" | ", columns.Select((column, at) => column[row].PadRight(widths[at]))).TrimEnd();
        string dashes = "  " + string.Join("-+-", widths.Select(width => new string('-', width)));
        return [Line(0), dashes, .. Enumerable.Range(1, completions.Count).Select(Line)];
    }

    private static string Score(double score) =>
        double.IsNaN(score) ? "" : score.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>A text in one line, cut where it is long.</summary>
    private static string Cell(string text)
    {
        string line = text.ReplaceLineEndings(" ").Replace('\t', ' ').Trim();
        return line.Length <= WidestCell ? line : line[..(WidestCell - 3)] + "...";
    }
}
