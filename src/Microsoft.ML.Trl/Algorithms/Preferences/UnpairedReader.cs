namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Reads completions that are wanted or not: labelled ones, or both sides of pairs where there are no labels.</summary>
internal sealed class UnpairedReader
{
    private const int PairsAtOnce = 1000; // TRL unpairs so many at a time: their chosen answers, then their rejected ones

    private readonly IDataView _rows;
    private readonly PreferenceReader? _pairs;
    private readonly DataViewSchema.Column[] _texts = [];
    private readonly DataViewSchema.Column? _label, _embedding;
    private readonly TemplateColumns _template;
    private readonly bool _isConversational;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="ArgumentException">There are only pairs, whose sides have the same prompts to describe.</exception>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    public UnpairedReader(IDataView rows, UnpairedOptions options)
    {
        (_rows, _isConversational) = (rows, options.Conversations is not null);
        _template = TemplateColumns.Of(rows.Schema, options.Conversations);
        if (HasPairs(options, name => rows.Schema.GetColumnOrNull(name) is not null))
        {
            _pairs = new PreferenceReader(rows, options.Columns);
            return;
        }
        _texts =
        [
            InputColumns.Text(rows.Schema, options.PromptColumnName, "prompt"),
            InputColumns.Text(rows.Schema, options.CompletionColumnName, "completion"),
        ];
        _label = InputColumns.Flag(rows.Schema, options.LabelColumnName, "label");
        _embedding = options.EmbeddingColumn is { } name ? InputColumns.Vector(rows.Schema, name, "promptEmbedding") : null;
    }

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, UnpairedOptions options)
    {
        if (HasPairs(options, name => shape.Any(column => column.Name == name)))
        {
            PreferenceReader.Require(shape, options.Columns);
            return;
        }
        InputColumns.RequireText(shape, options.PromptColumnName, "prompt");
        InputColumns.RequireText(shape, options.CompletionColumnName, "completion");
        InputColumns.RequireFlag(shape, options.LabelColumnName, "label");
        TemplateColumns.Require(shape, options.Conversations);
        if (options.EmbeddingColumn is { } name)
            InputColumns.RequireVector(shape, name, "promptEmbedding");
    }

    /// <summary>All completions as tokens, cut at the limit; those without anything to learn there are left out.</summary>
    /// <param name="codec">The model's.</param>
    /// <param name="limit">Tokens of prompt and completion; the end of a longer completion is cut off there.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <exception cref="ArgumentException">There are no rows, none can be learnt from, or a label is neither 1 nor 0.</exception>
    public List<UnpairedExample> Read(TextCodec codec, int limit, RowCounts counts, CancellationToken cancel)
    {
        if (_pairs is not null)
            return Unpaired(_pairs.ReadCut(codec, limit, counts, cancel));
        RowCodec rows = codec.Rows(_isConversational);
        var examples = new List<UnpairedExample>();
        foreach (TextRow row in RowReader.Read(_rows, [.. _texts, .. _template.Columns], _label, _embedding))
        {
            cancel.ThrowIfCancellationRequested();
            counts.Add();
            if (row.Value is not (0 or 1))
                throw new ArgumentException(FormattableString.Invariant(
                    $"Row {row.Number}: the label is {row.Value}; it must be true or 1 where the completion is wanted, else false or 0."));
            RowTokens tokens = RowCodec.OfRow(
                row.Number, _texts, () => rows.Continued(row.Texts[0], row.Texts[1], _template.Cells(row.Texts)));
            if (!tokens.StartsWithPrompt)
                counts.Note(RowFate.OtherTokens, row.Number);
            if (Cut(tokens, limit, row.Number, counts) is { } kept)
                examples.Add(new UnpairedExample(kept.Prompt, kept.Completion, row.Value == 1, row.Vector));
        }
        return examples.Count > 0 ? examples : throw counts.NothingLeft();
    }

    /// <summary>Both sides of pairs, in the order of TRL.</summary>
    public static List<UnpairedExample> Unpaired(IReadOnlyList<PreferenceExample> pairs) =>
    [
        .. pairs.Chunk(PairsAtOnce).SelectMany(some => some.Select(pair => new UnpairedExample(pair.Prompt, pair.Chosen, true))
            .Concat(some.Select(pair => new UnpairedExample(pair.Prompt, pair.Rejected, false)))),
    ];

    private static RowTokens? Cut(RowTokens tokens, int limit, long row, RowCounts counts)
    {
        RowFate? fate = tokens.PromptLength >= limit ? RowFate.PromptTooLong
            : Math.Min(tokens.Ids.Length, limit) - Math.Max(tokens.PromptLength, 1) < 1 ? RowFate.NothingToLearn
            : tokens.Ids.Length > limit ? RowFate.Cut
            : null;
        if (fate is not null)
            counts.Note(fate, row);
        return fate is { LeftOut: true } ? null : tokens with { Ids = [.. tokens.Ids.Take(limit)] };
    }

    /// <summary>Whether pairs are read: where there are some, and not both completions and labels.</summary>
    private static bool HasPairs(UnpairedOptions options, Func<string, bool> has)
    {
        bool pairs = has(options.ChosenColumnName) && has(options.RejectedColumnName)
            && !(has(options.CompletionColumnName) && has(options.LabelColumnName));
        if (pairs && options.EmbeddingColumn is { } embedding)
            throw new ArgumentException(
                $"The data have pairs (columns '{options.ChosenColumnName}' and '{options.RejectedColumnName}'), whose wanted and unwanted "
                + $"completions have the same prompts, so that the column '{embedding}' has nothing to tell apart; set its name to null, "
                + $"or give the columns '{options.CompletionColumnName}' (CompletionColumnName) and '{options.LabelColumnName}' "
                + "(LabelColumnName).");
        return pairs;
    }
}
