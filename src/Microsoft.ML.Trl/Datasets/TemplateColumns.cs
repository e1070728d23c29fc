using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>What a row gives the chat template besides its messages; empty = nothing.</summary>
/// <param name="Tools">A JSON array.</param>
/// <param name="Kwargs">A JSON object.</param>
internal readonly record struct TemplateCells(string Tools, string Kwargs)
{
    public static TemplateCells None { get; } = new("", "");

    /// <summary>What all rows give.</summary>
    /// <param name="options">Null = nothing.</param>
    public static TemplateCells OfAll(ConversationOptions? options) => new("", options?.ChatTemplateKwargs ?? "");

    /// <summary>The variables of a row on top of those of all rows.</summary>
    /// <param name="own">Of the row; what is no object stays as it is, for the message that names the row.</param>
    /// <param name="all">A JSON object, or empty.</param>
    public static string Merged(string own, string all)
    {
        if (string.IsNullOrWhiteSpace(all) || string.IsNullOrWhiteSpace(own))
            return string.IsNullOrWhiteSpace(own) ? all : own;
        JsonObject merged = StrictJson.Object(all);
        try
        {
            foreach ((string name, JsonNode? value) in StrictJson.Object(own))
                merged[name] = value?.DeepClone();
        }
        catch (JsonException)
        {
            return own;
        }
        return merged.ToJsonString();
    }
}

/// <summary>The columns with what a row gives the chat template; they are read behind the others.</summary>
internal sealed class TemplateColumns
{
    private readonly bool _tools, _kwargs;
    private readonly string _all;

    private TemplateColumns(DataViewSchema.Column? tools, DataViewSchema.Column? kwargs, ConversationOptions? options)
    {
        (_tools, _kwargs, _all) = (tools is not null, kwargs is not null, TemplateCells.OfAll(options).Kwargs);
        Columns = [.. new[] { tools, kwargs }.OfType<DataViewSchema.Column>()];
    }

    /// <summary>Those that are there.</summary>
    public IReadOnlyList<DataViewSchema.Column> Columns { get; }

    /// <summary>Finds them.</summary>
    /// <param name="schema">Of the data.</param>
    /// <param name="options">Null = nothing is rendered, so none is read.</param>
    /// <exception cref="ArgumentOutOfRangeException">One is of the wrong type.</exception>
    public static TemplateColumns Of(DataViewSchema schema, ConversationOptions? options) => options is null
        ? new TemplateColumns(null, null, null)
        : new TemplateColumns(
            InputColumns.TextOrNull(schema, options.ToolsColumnName, "tools"),
            InputColumns.TextOrNull(schema, options.ChatTemplateKwargsColumnName, "chatTemplateKwargs"),
            options);

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, ConversationOptions? options)
    {
        if (options is null)
            return;
        InputColumns.HasText(shape, options.ToolsColumnName, "tools");
        InputColumns.HasText(shape, options.ChatTemplateKwargsColumnName, "chatTemplateKwargs");
    }

    /// <summary>Their cells in a row, with the variables that all rows have.</summary>
    /// <param name="texts">Of the row, <see cref="Columns"/> last.</param>
    public TemplateCells Cells(ReadOnlySpan<string> texts) => new(
        _tools ? texts[^Columns.Count] : "",
        TemplateCells.Merged(_kwargs ? texts[^1] : "", _all));
}
