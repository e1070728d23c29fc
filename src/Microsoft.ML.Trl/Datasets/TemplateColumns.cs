using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>What a row gives the chat template besides its messages; empty = nothing.</summary>
/// <param name="Tools">A JSON array.</param>
/// <param name="Kwargs">A JSON object.</param>
internal readonly record struct TemplateCells(string Tools, string Kwargs)
{
    public static TemplateCells None { get; } = new("", "");
}

/// <summary>The columns with what a row gives the chat template; they are read behind the others.</summary>
internal sealed class TemplateColumns
{
    private readonly bool _tools, _kwargs;

    private TemplateColumns(DataViewSchema.Column? tools, DataViewSchema.Column? kwargs)
    {
        (_tools, _kwargs) = (tools is not null, kwargs is not null);
        Columns = [.. new[] { tools, kwargs }.OfType<DataViewSchema.Column>()];
    }

    /// <summary>Those that are there.</summary>
    public IReadOnlyList<DataViewSchema.Column> Columns { get; }

    /// <summary>Finds them.</summary>
    /// <param name="schema">Of the data.</param>
    /// <param name="options">Null = nothing is rendered, so none is read.</param>
    /// <exception cref="ArgumentOutOfRangeException">One is of the wrong type.</exception>
    public static TemplateColumns Of(DataViewSchema schema, ConversationOptions? options) => options is null
        ? new TemplateColumns(null, null)
        : new TemplateColumns(
            InputColumns.TextOrNull(schema, options.ToolsColumnName, "tools"),
            InputColumns.TextOrNull(schema, options.ChatTemplateKwargsColumnName, "chatTemplateKwargs"));

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, ConversationOptions? options)
    {
        if (options is null)
            return;
        InputColumns.HasText(shape, options.ToolsColumnName, "tools");
        InputColumns.HasText(shape, options.ChatTemplateKwargsColumnName, "chatTemplateKwargs");
    }

    /// <summary>Their cells in a row.</summary>
    /// <param name="texts">Of the row, <see cref="Columns"/> last.</param>
    public TemplateCells Cells(ReadOnlySpan<string> texts) => new(
        _tools ? texts[^Columns.Count] : "",
        _kwargs ? texts[^1] : "");
}
