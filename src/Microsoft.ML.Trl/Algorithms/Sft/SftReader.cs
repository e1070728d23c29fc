namespace Microsoft.ML.Trl.Algorithms.Sft;

/// <summary>Reads prompt and completion, or whole texts where the data have no prompt.</summary>
internal sealed class SftReader
{
    private readonly IDataView _rows;
    private readonly DataViewSchema.Column? _prompt;
    private readonly DataViewSchema.Column _learned;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    /// <exception cref="ArgumentException">There are texts and prompts, but no completions.</exception>
    public SftReader(IDataView rows, SftOptions options)
    {
        _rows = rows;
        _prompt = InputColumns.TextOrNull(rows.Schema, options.PromptColumnName, "prompt");
        bool whole = ReadsText(
            options,
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
            options,
            InputColumns.HasText(shape, options.PromptColumnName, "prompt"),
            InputColumns.HasText(shape, options.CompletionColumnName, "completion"),
            InputColumns.HasText(shape, options.TextColumnName, "text"));
        if (whole)
            return;
        InputColumns.RequireText(shape, options.PromptColumnName, "prompt");
        InputColumns.RequireText(shape, options.CompletionColumnName, "completion");
    }

    /// <summary>All rows as tokens; those without anything to learn within the limit are left out, as TRL does.</summary>
    /// <param name="codec">The model's.</param>
    /// <param name="limit">Tokens of a row; its end is cut off there.</param>
    /// <param name="options">Whether prompts are learnt, and rows packed.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <exception cref="ArgumentException">There are no rows, or none can be learnt from.</exception>
    public List<TokenExample> Read(TextCodec codec, int limit, SftOptions options, RowCounts counts, CancellationToken cancel)
    {
        DataViewSchema.Column[] texts = _prompt is { } prompt ? [prompt, _learned] : [_learned];
        var examples = new List<TokenExample>();
        foreach (TextRow row in RowReader.Read(_rows, texts))
        {
            cancel.ThrowIfCancellationRequested();
            counts.Add();
            TokenExample example = Example(codec, row, counts);
            // Packing fills rows with what is cut off, or cuts by itself.
            TokenExample kept = options.Packing ? example : example.Truncated(limit);
            bool learnsPrompt = options.CompletionOnlyLoss == false;
            if ((learnsPrompt ? kept with { PromptLength = 0 } : kept).LearnedTokens() == 0)
                counts.Note(RowFate.NothingToLearn, row.Number);
            else
                examples.Add(kept);
            if (example.Ids.Length > limit && !(options.Packing && options.PackingStrategy != PackingStrategy.Bfd))
                counts.Note(RowFate.Cut, row.Number);
        }
        return examples.Count > 0 ? examples : throw counts.NothingLeft();
    }

    /// <summary>Whether whole texts are read rather than prompt and completion.</summary>
    private static bool ReadsText(SftOptions options, bool prompt, bool completion, bool text)
    {
        if (text && prompt && !completion)
            throw new ArgumentException(
                $"The data have the columns '{options.TextColumnName}' (TextColumnName) and '{options.PromptColumnName}' "
                + $"(PromptColumnName), but no '{options.CompletionColumnName}' (CompletionColumnName): it is not clear whether SFT should "
                + "learn the texts or what follows the prompts. Name the column of completions, or give SFT training data of its own "
                + "without the column that it should not read.");
        return text && !(prompt && completion);
    }

    private TokenExample Example(TextCodec codec, TextRow row, RowCounts counts)
    {
        if (_prompt is null)
            return new TokenExample(codec.Whole(row.Texts[0]));
        (int[] ids, int promptLength, bool startsWithPrompt) = codec.Continued(row.Texts[0], row.Texts[1]);
        if (!startsWithPrompt)
            counts.Note(RowFate.OtherTokens, row.Number);
        return new TokenExample(ids, promptLength);
    }
}
