using System.Globalization;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Reads pairs of a better and a worse completion.</summary>
internal sealed class PreferenceReader
{
    private readonly IDataView _rows;
    private readonly string _promptName;
    private readonly DataViewSchema.Column? _prompt;
    private readonly DataViewSchema.Column _chosen;
    private readonly DataViewSchema.Column _rejected;
    private readonly DataViewSchema.Column? _margin;
    private readonly TemplateColumns _template;
    private readonly bool _scoresWhole, _isConversational;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    public PreferenceReader(IDataView rows, PreferenceColumns columns)
    {
        _rows = rows;
        _scoresWhole = !columns.KeepsPrompt;
        _isConversational = columns.Conversations is not null;
        _promptName = columns.Prompt;
        _prompt = columns.NeedsPrompt
            ? InputColumns.Text(rows.Schema, columns.Prompt, "prompt")
            : InputColumns.TextOrNull(rows.Schema, columns.Prompt, "prompt");
        _chosen = InputColumns.Text(rows.Schema, columns.Chosen, "chosen");
        _rejected = InputColumns.Text(rows.Schema, columns.Rejected, "rejected");
        _template = TemplateColumns.Of(rows.Schema, columns.Conversations);
        _margin = columns.Margin is { } margin ? InputColumns.Number(rows.Schema, margin, "margin") : null;
    }

    /// <summary>Whether the data have prompts; otherwise chosen and rejected are whole texts, or begin alike.</summary>
    public bool HasPrompts => _prompt is not null;

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, PreferenceColumns columns)
    {
        if (columns.NeedsPrompt)
            InputColumns.RequireText(shape, columns.Prompt, "prompt");
        else
            InputColumns.HasText(shape, columns.Prompt, "prompt");
        InputColumns.RequireText(shape, columns.Chosen, "chosen");
        InputColumns.RequireText(shape, columns.Rejected, "rejected");
        TemplateColumns.Require(shape, columns.Conversations);
        if (columns.Margin is { } margin)
            InputColumns.RequireNumber(shape, margin, "margin");
    }

    /// <summary>All pairs as tokens, prompt and answers cut at the limit; those without anything to learn there are left out.</summary>
    /// <param name="codec">The model's.</param>
    /// <param name="limit">Tokens of prompt and answer; the end of a longer answer is cut off there.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <param name="longestAnswer">Most tokens of an answer alone; null = only <paramref name="limit"/>.</param>
    /// <exception cref="ArgumentException">There are no rows, none can be learnt from, or a margin is no finite number.</exception>
    public List<PreferenceExample> ReadCut(
        TextCodec codec, int limit, RowCounts counts, CancellationToken cancel, int? longestAnswer = null) =>
        Read(codec, counts, (pair, row) =>
        {
            if (pair.Prompt.Length >= limit)
                return Left(RowFate.PromptTooLong, row);
            int room = Math.Min(limit - pair.Prompt.Length, longestAnswer ?? limit);
            if (pair.Chosen.Length > room || pair.Rejected.Length > room)
                counts.Note(RowFate.Cut, row);
            PreferenceExample cut = pair with { Chosen = [.. pair.Chosen.Take(room)], Rejected = [.. pair.Rejected.Take(room)] };
            int least = pair.Prompt.Length == 0 ? 2 : 1; // nothing predicts the first token of all
            return cut.Chosen.Length < least || cut.Rejected.Length < least ? Left(RowFate.NothingToLearn, row)
                : cut.Chosen.AsSpan().SequenceEqual(cut.Rejected) ? Left(RowFate.EqualSides, row)
                : cut;

            PreferenceExample? Left(RowFate fate, long number)
            {
                counts.Note(fate, number);
                return null;
            }
        }, cancel);

    /// <summary>All pairs as tokens; those with a side longer than the limit are left out, as TRL does for reward models.</summary>
    /// <param name="codec">The model's.</param>
    /// <param name="limit">Tokens of prompt and answer.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <exception cref="ArgumentException">There are no rows, none can be learnt from, or a margin is no finite number.</exception>
    public List<PreferenceExample> ReadFitting(TextCodec codec, int limit, RowCounts counts, CancellationToken cancel) =>
        Read(codec, counts, (pair, row) =>
        {
            RowFate? fate = pair.Length > limit ? RowFate.PairTooLong
                : pair.Chosen.Length == 0 || pair.Rejected.Length == 0 ? RowFate.NothingToLearn
                : pair.Chosen.AsSpan().SequenceEqual(pair.Rejected) ? RowFate.EqualSides
                : null;
            if (fate is not null)
                counts.Note(fate, row);
            return fate is null ? pair : null;
        }, cancel);

    private List<PreferenceExample> Read(
        TextCodec codec, RowCounts counts, Func<PreferenceExample, long, PreferenceExample?> keep, CancellationToken cancel)
    {
        RowCodec rows = codec.Rows(_isConversational);
        int empty = rows.Prompt("", TemplateCells.None).Ids.Length; // tokens that begin every text
        DataViewSchema.Column[] texts = _prompt is { } prompt ? [prompt, _chosen, _rejected] : [_chosen, _rejected];
        var examples = new List<PreferenceExample>();
        foreach (TextRow row in RowReader.Read(_rows, [.. texts, .. _template.Columns], _margin))
        {
            cancel.ThrowIfCancellationRequested();
            counts.Add();
            if (row.Value is { } margin && !double.IsFinite(margin))
                throw new ArgumentException(string.Create(
                    CultureInfo.InvariantCulture, $"Row {row.Number}: the margin is {margin}; it must be a finite number."));
            PreferenceExample pair = RowCodec.OfRow(row.Number, texts, () => Pair(rows, row, counts, empty));
            if (keep(pair, row.Number) is { } kept)
                examples.Add(kept);
        }
        if (examples.Count == 0)
            throw counts.NothingLeft();
        return HasPrompts || _scoresWhole || examples.Exists(pair => pair.Prompt.Length > empty) ? examples : throw NoPrompts();
    }

    private ArgumentException NoPrompts() => new(
        $"There is no column '{_promptName}' with prompts, and in no row do the columns '{_chosen.Name}' and '{_rejected.Name}' begin "
        + "alike, so that there is nothing to answer. Set PromptColumnName to the column with the prompts, or begin both texts with them.");

    private PreferenceExample Pair(RowCodec codec, TextRow row, RowCounts counts, int emptyPrompt)
    {
        string? prompt = HasPrompts ? row.Texts[0] : null;
        (string better, string worse) = HasPrompts ? (row.Texts[1], row.Texts[2]) : (row.Texts[0], row.Texts[1]);
        TemplateCells with = _template.Cells(row.Texts);
        if (_scoresWhole && !HasPrompts)
            return new PreferenceExample([], codec.Continued(null, better, with).Ids, codec.Continued(null, worse, with).Ids, row.Value);
        (RowTokens chosen, RowTokens rejected) = codec.Pair(prompt, better, worse, with);
        if (!HasPrompts && chosen.Prompt.Length <= emptyPrompt)
            counts.Note(RowFate.NoPrompt, row.Number);
        if (!chosen.StartsWithPrompt || !rejected.StartsWithPrompt)
            counts.Note(RowFate.OtherTokens, row.Number);
        return _scoresWhole
            ? new PreferenceExample([], chosen.Ids, rejected.Ids, row.Value)
            : new PreferenceExample(chosen.Prompt, chosen.Completion, rejected.Completion, row.Value);
    }
}

/// <summary>The columns of pairs.</summary>
/// <param name="Prompt">Text; where there is none, the prompt is what the completions begin with, or they are whole texts.</param>
/// <param name="Chosen">Text.</param>
/// <param name="Rejected">Text.</param>
/// <param name="Margin">Numbers; null = none.</param>
/// <param name="KeepsPrompt">
/// Whether prompt and answer are kept apart; otherwise a side of a pair is one text, with the prompt in it.
/// </param>
/// <param name="Conversations">How conversations are read; null = texts are.</param>
internal sealed record PreferenceColumns(
    string Prompt, string Chosen, string Rejected, string? Margin, bool KeepsPrompt, ConversationOptions? Conversations)
{
    /// <summary>The usual name of the column of prompts, which may be absent.</summary>
    public const string UsualPrompt = "Prompt";

    /// <summary>Whether there must be a column of prompts: of texts, where another name than the usual one is given for it.</summary>
    public bool NeedsPrompt => KeepsPrompt && Conversations is null && Prompt != UsualPrompt;
}
