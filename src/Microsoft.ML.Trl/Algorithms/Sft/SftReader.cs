namespace Microsoft.ML.Trl.Algorithms.Sft;

/// <summary>Reads prompt and completion, or conversations, or whole texts where the data have neither.</summary>
internal sealed class SftReader
{
    private readonly IDataView _rows;
    private readonly DataViewSchema.Column[] _columns;
    private readonly SftOptions _options;
    private readonly RowKind _kind;
    private readonly TemplateColumns _template;
    private readonly bool _isConversational;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    /// <exception cref="ArgumentException">
    /// There are texts and prompts, but no completions; or conversations are asked for, and there are none.
    /// </exception>
    public SftReader(IDataView rows, SftOptions options)
    {
        (_rows, _options) = (rows, options);
        _kind = KindOf(options, (name, role) => InputColumns.TextOrNull(rows.Schema, name, role) is not null);
        _isConversational = IsConversational(_kind, options);
        _template = TemplateColumns.Of(rows.Schema, _isConversational ? options.Conversations ?? new() : null);
        _columns = _kind switch
        {
            RowKind.Conversation => [InputColumns.Text(rows.Schema, options.MessagesColumnName, "messages")],
            RowKind.Text => [InputColumns.Text(rows.Schema, options.TextColumnName, "text")],
            _ =>
            [
                InputColumns.Text(rows.Schema, options.PromptColumnName, "prompt"),
                InputColumns.Text(rows.Schema, options.CompletionColumnName, "completion"),
            ],
        };
    }

    /// <summary>What a row has.</summary>
    private enum RowKind
    {
        PromptAndCompletion,
        Conversation,
        Text,
    }

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, SftOptions options)
    {
        RowKind kind = KindOf(options, (name, role) => InputColumns.HasText(shape, name, role));
        if (IsConversational(kind, options))
            TemplateColumns.Require(shape, options.Conversations ?? new());
        if (kind != RowKind.PromptAndCompletion)
            return;
        InputColumns.RequireText(shape, options.PromptColumnName, "prompt");
        InputColumns.RequireText(shape, options.CompletionColumnName, "completion");
    }

    /// <summary>All rows as tokens; those without anything to learn within the limit are left out, as TRL does.</summary>
    /// <param name="codec">The model's.</param>
    /// <param name="limit">Tokens of a row; its end is cut off there.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <exception cref="ArgumentException">There are no rows, or none can be learnt from.</exception>
    /// <exception cref="InvalidOperationException">There are conversations, and the model has no chat template for them.</exception>
    /// <exception cref="InvalidDataException">A conversation cannot be rendered; the message names the row.</exception>
    /// <exception cref="NotSupportedException">An encoder reads prompts, and data or options have another layout.</exception>
    public List<TokenExample> Read(TextCodec codec, int limit, RowCounts counts, CancellationToken cancel)
    {
        CheckLayout(codec);
        RowCodec rows = codec.Rows(_isConversational, _options.AssistantOnlyLoss);
        var examples = new List<TokenExample>();
        foreach (TextRow row in RowReader.Read(_rows, [.. _columns, .. _template.Columns]))
        {
            cancel.ThrowIfCancellationRequested();
            counts.Add();
            TokenExample example = RowCodec.OfRow(row.Number, _columns, () => Example(rows, row, counts));
            if (codec.HasEncoder && example.PromptLength == 0)
                throw new ArgumentException(
                    $"Row {row.Number}: the prompt is empty, but the encoder of the model reads it; give a prompt, or leave the row out.");
            // Packing fills rows with what is cut off, or cuts by itself.
            TokenExample kept = _options.Packing ? example : example.Truncated(limit);
            bool learnsPrompt = _options.CompletionOnlyLoss == false;
            if ((learnsPrompt ? kept with { PromptLength = 0 } : kept).LearnedTokens() == 0)
                counts.Note(RowFate.NothingToLearn, row.Number);
            else
                examples.Add(kept);
            if (example.Ids.Length > limit && !(_options.Packing && _options.PackingStrategy != PackingStrategy.Bfd))
                counts.Note(RowFate.Cut, row.Number);
        }
        return examples.Count > 0 ? examples : throw counts.NothingLeft();
    }

    private void CheckLayout(TextCodec codec)
    {
        if (_kind != RowKind.PromptAndCompletion)
            codec.RequireNoEncoder(
                $"the column '{_columns[0].Name}' holds both in one text",
                $"give the columns '{_options.PromptColumnName}' (PromptColumnName) and '{_options.CompletionColumnName}' "
                + "(CompletionColumnName)");
        if (_options.Packing)
            codec.RequireNoEncoder("Packing puts several texts into one row", "set Packing to false");
        if (_options.CompletionOnlyLoss == false)
            codec.RequireNoEncoder("CompletionOnlyLoss is false, and the encoder predicts nothing", "leave it at null");
    }

    /// <summary>What is read: prompt and completion where there are both, else conversations, else whole texts.</summary>
    private static RowKind KindOf(SftOptions options, Func<string, string, bool> has)
    {
        bool prompt = has(options.PromptColumnName, "prompt"), completion = has(options.CompletionColumnName, "completion");
        bool messages = has(options.MessagesColumnName, "messages"), text = has(options.TextColumnName, "text");
        RowKind kind = prompt && completion ? RowKind.PromptAndCompletion
            : messages ? RowKind.Conversation
            : text ? RowKind.Text
            : RowKind.PromptAndCompletion;
        if (kind == RowKind.Text && prompt)
            throw new ArgumentException(
                $"The data have the columns '{options.TextColumnName}' (TextColumnName) and '{options.PromptColumnName}' "
                + $"(PromptColumnName), but no '{options.CompletionColumnName}' (CompletionColumnName): it is not clear whether SFT should "
                + "learn the texts or what follows the prompts. Name the column of completions, or give SFT training data of its own "
                + "without the column that it should not read.");
        if (kind == RowKind.Text && options.Conversations is not null)
            throw new ArgumentException(
                $"Conversations is set, but SFT would read the plain texts of the column '{options.TextColumnName}' (TextColumnName). Name "
                + "the column of conversations (MessagesColumnName), or those of prompts and completions, or set Conversations to null.");
        if (options.AssistantOnlyLoss && !IsConversational(kind, options))
            throw new ArgumentException(
                $"AssistantOnlyLoss is true, but SFT would read no conversations: a column '{options.MessagesColumnName}' "
                + "(MessagesColumnName) is missing, or there are prompts and completions too, which are plain texts unless Conversations "
                + "is set. Set it, give SFT training data of its own with conversations, or set AssistantOnlyLoss to false.");
        return kind;
    }

    private static bool IsConversational(RowKind kind, SftOptions options) =>
        kind == RowKind.Conversation || (kind == RowKind.PromptAndCompletion && options.Conversations is not null);

    private TokenExample Example(RowCodec codec, TextRow row, RowCounts counts)
    {
        string? prompt = _kind == RowKind.PromptAndCompletion ? row.Texts[0] : null;
        string completion = row.Texts[_columns.Length - 1];
        RowTokens tokens = codec.Continued(prompt, completion, _template.Cells(row.Texts), _options.AssistantOnlyLoss);
        if (!tokens.StartsWithPrompt)
            counts.Note(RowFate.OtherTokens, row.Number);
        var example = new TokenExample(tokens.Ids, tokens.PromptLength);
        int first = _options.CompletionOnlyLoss == false ? 0 : tokens.PromptLength;
        return tokens.Assistant is { } says ? example with { Learned = [.. says.Select((said, at) => said && at >= first)] } : example;
    }
}
