namespace Microsoft.ML.Trl.Algorithms.Sft;

/// <summary>Reads prompt and completion, or whole texts where the data have no prompt.</summary>
internal sealed class SftReader
{
    private readonly IDataView _rows;
    private readonly DataViewSchema.Column? _prompt;
    private readonly DataViewSchema.Column _learned;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    public SftReader(IDataView rows, SftOptions options)
    {
        _rows = rows;
        _prompt = InputColumns.TextOrNull(rows.Schema, options.PromptColumnName, "prompt");
        bool whole = ReadsText(
            _prompt is not null,
            InputColumns.TextOrNull(rows.Schema, options.CompletionColumnName, "completion") is not null,
            InputColumns.TextOrNull(rows.Schema, options.TextColumnName, "text") is not null);
        _learned = whole
            ? InputColumns.Text(rows.Schema, options.TextColumnName, "text")
            : InputColumns.Text(rows.Schema, options.CompletionColumnName, "completion");
        if (whole)
            _prompt = null;
        else if (_prompt is null)
            throw InputColumns.MissingText(rows.Schema, options.PromptColumnName, "prompt");
    }

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, SftOptions options)
    {
        bool whole = ReadsText(
            InputColumns.HasText(shape, options.PromptColumnName, "prompt"),
            InputColumns.HasText(shape, options.CompletionColumnName, "completion"),
            InputColumns.HasText(shape, options.TextColumnName, "text"));
        if (whole)
            return;
        InputColumns.RequireText(shape, options.PromptColumnName, "prompt");
        InputColumns.RequireText(shape, options.CompletionColumnName, "completion");
    }

    /// <summary>All rows as tokens.</summary>
    /// <param name="codec">The model's.</param>
    /// <param name="limit">Tokens a row may have; a prompt must leave room below it.</param>
    /// <exception cref="ArgumentException">There are no rows, or one cannot be learnt from; the message names it.</exception>
    public List<TokenExample> Read(TextCodec codec, int limit)
    {
        List<TokenExample> examples = _prompt is { } prompt
            ? [.. RowReader.Read(_rows, [prompt, _learned]).Select(row => Pair(codec, row, limit))]
            : [.. RowReader.Read(_rows, [_learned]).Select(row => new TokenExample(codec.Whole(row.Texts[0])))];
        return examples.Count > 0 ? examples : throw new ArgumentException("The training data have no rows; SFT needs at least one.");
    }

    private static bool ReadsText(bool prompt, bool completion, bool text) => text && !(prompt && completion);

    private static TokenExample Pair(TextCodec codec, TextRow row, int limit)
    {
        int[] prompt = codec.Prompt(row.Texts[0], row.Number, limit);
        return new TokenExample([.. prompt, .. codec.Completion(row.Texts[1])], prompt.Length);
    }
}
