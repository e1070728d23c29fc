using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>How files are read as a data set. Immutable; make variants with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DatasetOptions
{
    /// <summary>In whose layout the rows are written.</summary>
    public DatasetFormat Format { get; init; } = DatasetFormat.Auto;

    /// <summary>
    /// Turns become messages, in JSON, rather than one text; for <see cref="DatasetFormat.Alpaca"/>, <see cref="DatasetFormat.HhRlhf"/> and
    /// <see cref="DatasetFormat.HumanAssistant"/>, whose texts can be either. The methods read them where
    /// <c>Conversations</c> is set.
    /// </summary>
    public bool AsConversations { get; init; }

    /// <summary>Columns of the files under other names: from a name in the files to the name that it gets, before all else.</summary>
    /// <example><c>new Dictionary&lt;string, string&gt; { ["question"] = "prompt", ["answer"] = "completion" }</c></example>
    public IReadOnlyDictionary<string, string>? Rename { get; init; }

    /// <summary>Columns that the data set has, of those that the rows have at the end; null = all.</summary>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>
    /// Of folders and patterns only the files of this split: those whose name, or a folder of theirs, has it as a word (<c>train</c>,
    /// <c>test</c> or <c>eval</c>, <c>validation</c>, <c>valid</c> or <c>dev</c>, or any other). Null = all files.
    /// </summary>
    public string? Split { get; init; }

    /// <summary>What separates the cells of .csv and .tsv files; null = a comma, or a tab in .tsv.</summary>
    public char? Separator { get; init; }

    /// <summary>
    /// Whether cells of .csv and .tsv files may stand in quotes, with separators and line breaks in them, and quotes doubled. Null = they
    /// may in .csv; in .tsv a quote is a character like others.
    /// </summary>
    public bool? AllowQuoting { get; init; }

    /// <summary>Rows at the beginning that decide which columns there are, and of what type; at least 1.</summary>
    public int SchemaRows { get; init; } = 1000;

    /// <summary>What ends each step of <c>completions</c> in the one text that process reward models read.</summary>
    public string StepSeparator { get; init; } = "\n";

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    internal DatasetOptions Validated()
    {
        Require.Known(Format);
        Require.AtLeast(SchemaRows, 1);
        if (AsConversations && Format is not (DatasetFormat.Auto or DatasetFormat.Alpaca or DatasetFormat.HhRlhf
            or DatasetFormat.HumanAssistant))
            throw RowFormats.NotConversations(Format);
        if (Columns is { Count: 0 } || Columns?.Any(string.IsNullOrWhiteSpace) == true)
            throw new ArgumentException("Columns is empty, or has an empty name; name at least one column, or set it to null.");
        if (Rename?.Any(pair => string.IsNullOrWhiteSpace(pair.Key) || string.IsNullOrWhiteSpace(pair.Value)) == true)
            throw new ArgumentException("Rename has an empty name; give names of columns on both sides.");
        if (Split is not null && string.IsNullOrWhiteSpace(Split))
            throw new ArgumentException("Split is empty; name a split, such as train, or set it to null for all files.");
        if (Separator is '"' or '\r' or '\n')
            throw new ArgumentException("Separator is a quote or a line break; give the character that stands between cells.");
        if (string.IsNullOrEmpty(StepSeparator))
            throw new ArgumentException("StepSeparator is empty; give the text that ends each step.");
        return this;
    }
}
