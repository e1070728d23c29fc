using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>
/// Rows of others' layouts → TRL's columns. A conversion changes the row that it is given; what is wrong with it is said without a place,
/// by a <see cref="FormatException"/>.
/// </summary>
internal static class RowFormats
{
    /// <summary>The layout that a row is in.</summary>
    public static DatasetFormat Detect(LocatedRow row) => row switch
    {
        { IsLmFlow: true } => DatasetFormat.LmFlow,
        _ when AlpacaFormat.Fits(row.Values) => DatasetFormat.Alpaca,
        _ when ShareGptFormat.Fits(row.Values) => DatasetFormat.ShareGpt,
        _ when TranscriptFormats.FitsHhRlhf(row.Values) => DatasetFormat.HhRlhf,
        _ when TranscriptFormats.FitsHumanAssistant(row.Values) => DatasetFormat.HumanAssistant,
        _ => DatasetFormat.Columns,
    };

    /// <summary>The conversion of a layout.</summary>
    /// <param name="format">Not <see cref="DatasetFormat.Auto"/>.</param>
    /// <param name="options">Whether turns become messages, and what ends a step.</param>
    /// <exception cref="ArgumentException">Turns are to become messages, and the layout's cannot.</exception>
    public static Func<JsonObject, JsonObject> Conversion(DatasetFormat format, DatasetOptions options) => format switch
    {
        DatasetFormat.Alpaca => row => AlpacaFormat.Convert(row, options.AsConversations),
        DatasetFormat.HhRlhf => row => TranscriptFormats.HhRlhf(row, options.AsConversations),
        DatasetFormat.HumanAssistant => row => TranscriptFormats.HumanAssistant(row, options.AsConversations),
        _ when options.AsConversations => throw NotConversations(format),
        DatasetFormat.LmFlow => LmFlowFormat.Convert,
        DatasetFormat.ShareGpt => ShareGptFormat.Convert,
        _ => row => Steps(row, options.StepSeparator),
    };

    /// <summary>The error where turns cannot become messages.</summary>
    public static ArgumentException NotConversations(DatasetFormat format) => new(
        $"AsConversations is true, but the rows are {format}: messages already, or texts of which no turns are known. Set it to false, or "
        + "Format to Alpaca, HhRlhf or HumanAssistant.");

    /// <summary>Takes a value out of a row.</summary>
    public static JsonNode? Take(JsonObject row, string name)
    {
        JsonNode? value = row[name];
        row.Remove(name);
        return value;
    }

    /// <summary>Takes a text out of a row.</summary>
    /// <exception cref="FormatException">There is none.</exception>
    public static string TakeText(JsonObject row, string name) => DatasetRows.TextOf(Take(row, name)) ?? throw Missing(name, "a text");

    /// <summary>The error that says what a row lacks.</summary>
    public static FormatException Missing(string name, string expected) => new($"'{name}' is missing, or is not {expected}.");

    /// <summary>The steps of a completion as one text.</summary>
    private static JsonObject Steps(JsonObject row, string separator)
    {
        if (row["completions"] is not JsonArray steps || row["labels"] is not JsonArray labels || row.ContainsKey("completion"))
            return row;
        string[] texts = [.. steps.Select(step => DatasetRows.TextOf(step) ?? throw Missing("completions", "a list of texts, the steps"))];
        if (texts.Length != labels.Count)
            throw new FormatException(FormattableString.Invariant(
                $"there are {texts.Length} steps in 'completions' and {labels.Count} labels in 'labels'; give one for each."));
        if (Array.Find(texts, step => step.Contains(separator, StringComparison.Ordinal)) is { } broken)
            throw new FormatException(
                $"the step '{broken}' holds what ends a step; set StepSeparator, here and of PrmOptions, to a text that is in no step.");
        row.Remove("completions");
        row["completion"] = string.Concat(texts.Select(step => step + separator));
        return row;
    }
}
