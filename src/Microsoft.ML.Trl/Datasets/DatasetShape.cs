using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl;

/// <summary>What the rows of a data set are, and whether they hold texts or messages.</summary>
/// <param name="Type">Told by the columns.</param>
/// <param name="IsConversational">Whether they hold messages, told by their values.</param>
public sealed record DatasetShape(DatasetType Type, bool IsConversational)
{
    private static readonly (DatasetType Type, string[] Columns)[] Types =
    [
        (DatasetType.LanguageModeling, ["messages"]),
        (DatasetType.LanguageModeling, ["text"]),
        (DatasetType.PromptOnly, ["prompt"]),
        (DatasetType.PromptCompletion, ["prompt", "completion"]),
        (DatasetType.Preference, ["prompt", "chosen", "rejected"]),
        (DatasetType.ImplicitPromptPreference, ["chosen", "rejected"]),
        (DatasetType.UnpairedPreference, ["prompt", "completion", "label"]),
        (DatasetType.StepwiseSupervision, ["prompt", "completions", "labels"]),
        (DatasetType.StepwiseSupervision, ["prompt", "completion", "labels"]), // the steps in one text, as the trainer reads them
    ];

    /// <summary>
    /// What to set as <c>Conversations</c> in the options of a method that is to learn from the data set; null for texts. SFT reads a
    /// column of messages without it.
    /// </summary>
    public ConversationOptions? Conversations => IsConversational ? new ConversationOptions() : null;

    /// <summary>Of a row, by TRL's names of columns; other columns do not matter.</summary>
    /// <param name="row">With its values as they are in JSON.</param>
    /// <exception cref="ArgumentException">
    /// The columns are those of no type of data set, or some hold messages and others texts; the message says what there is.
    /// </exception>
    public static DatasetShape Of(JsonObject row)
    {
        ArgumentNullException.ThrowIfNull(row);
        string[] found = [.. TrlColumns.Roles.Where(row.ContainsKey)];
        DatasetType type = TypeOf(found, row.Select(pair => pair.Key));
        string[] sides = [.. found.Intersect(TrlColumns.OfMessages)];
        string[] messages = [.. sides.Where(name => DatasetRows.HasMessages(row[name]))];
        if (messages.Length > 0 && messages.Length < sides.Length)
            throw new ArgumentException(
                $"Of the row, {string.Join(", ", messages)} hold messages, and {string.Join(", ", sides.Except(messages))} do not. All "
                + "must be messages, or all texts; DatasetRows.MaybeExtractPrompt takes a prompt out of a pair of conversations.",
                nameof(row));
        return new DatasetShape(type, messages.Length > 0);
    }

    /// <summary>Of a view, by its columns (<c>Prompt</c> or <c>prompt</c>, ...) and its first row.</summary>
    /// <param name="data">One row of it is read, of the columns that tell the type.</param>
    /// <exception cref="ArgumentException">
    /// The columns are those of no type of data set, or some hold messages and others texts; the message says what there is.
    /// </exception>
    public static DatasetShape Of(IDataView data)
    {
        ArgumentNullException.ThrowIfNull(data);
        DataViewSchema.Column[] columns = [.. data.Schema.Where(column => !column.IsHidden)];
        var row = new JsonObject();
        foreach (DataViewSchema.Column column in columns)
            row[TrlColumns.Original(column.Name)] = null;
        DataViewSchema.Column[] texts = [.. columns.Where(column =>
            column.Type is TextDataViewType && TrlColumns.OfMessages.Contains(TrlColumns.Original(column.Name)))];
        if (texts.Length > 0 && RowReader.Read(data, texts).FirstOrDefault() is { } first)
            foreach ((DataViewSchema.Column column, string text) in texts.Zip(first.Texts))
                row[TrlColumns.Original(column.Name)] = Messages(text);
        return Of(row);
    }

    private static DatasetType TypeOf(string[] found, IEnumerable<string> all)
    {
        foreach ((DatasetType type, string[] columns) in Types)
            if (columns.Length == found.Length && columns.All(found.Contains))
                return type;
        string types = string.Join("; ", Types.Select(type => $"{type.Type}: {string.Join(", ", type.Columns)}"));
        throw new ArgumentException(
            $"The columns {string.Join(", ", all)} are those of no type of data set. Rename or leave out columns, so that of "
            + $"{string.Join(", ", TrlColumns.Roles)} those of one type are there ({types}).");
    }

    private static JsonNode? Messages(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith("["))
            return text;
        try
        {
            return StrictJson.Node(text) is JsonArray array && DatasetRows.HasMessages(array) ? array : text;
        }
        catch (JsonException)
        {
            return text; // a text that begins so
        }
    }
}
