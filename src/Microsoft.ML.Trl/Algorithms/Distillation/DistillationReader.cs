using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>One row to distil on.</summary>
/// <param name="Prompt">Tokens of the prompt alone, for a model to answer.</param>
/// <param name="Text">Prompt and completion of the data; where none is read, the prompt alone.</param>
internal sealed record DistillationRow(int[] Prompt, TokenExample Text);

/// <summary>Reads prompts with their completions.</summary>
internal sealed class DistillationReader
{
    private readonly IDataView _rows;
    private readonly DataViewSchema.Column[] _columns;
    private readonly TemplateColumns _template;
    private readonly bool _isConversational;

    /// <summary>Finds the columns.</summary>
    /// <param name="rows">Enumerated once by each reading.</param>
    /// <param name="options">Name them.</param>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    public DistillationReader(IDataView rows, TextDistillationOptions options)
    {
        (_rows, _isConversational) = (rows, options.Conversations is not null);
        _columns =
        [
            InputColumns.Text(rows.Schema, options.PromptColumnName, "prompt"),
            InputColumns.Text(rows.Schema, options.CompletionColumnName, "completion"),
        ];
        _template = TemplateColumns.Of(rows.Schema, options.Conversations);
    }

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, TextDistillationOptions options)
    {
        PromptReader.Require(shape, options.PromptColumnName, options.Conversations);
        InputColumns.RequireText(shape, options.CompletionColumnName, "completion");
    }

    /// <summary>All rows as tokens; those without anything to learn within the limit are left out.</summary>
    /// <param name="codec">The student's.</param>
    /// <param name="limit">Tokens of a row; its end is cut off there.</param>
    /// <param name="answers">Whether a model answers the prompts, which then need a token.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <exception cref="ArgumentException">There are no rows, or none can be learnt from.</exception>
    /// <exception cref="InvalidOperationException">There are conversations, and the model has no chat template for them.</exception>
    /// <exception cref="InvalidDataException">A conversation cannot be rendered; the message names the row.</exception>
    public List<DistillationRow> Read(TextCodec codec, int limit, bool answers, RowCounts counts, CancellationToken cancel)
    {
        RowCodec rows = codec.Rows(_isConversational);
        var found = new List<DistillationRow>();
        foreach (TextRow row in RowReader.Read(_rows, [.. _columns, .. _template.Columns]))
        {
            cancel.ThrowIfCancellationRequested();
            counts.Add();
            RowTokens tokens = RowCodec.OfRow(
                row.Number, _columns, () => rows.Continued(row.Texts[0], row.Texts[1], _template.Cells(row.Texts)));
            var text = new TokenExample(tokens.Ids, tokens.PromptLength);
            TokenExample kept = text.Truncated(limit);
            if ((answers || codec.HasEncoder) && tokens.Prompt.Length == 0)
                counts.Note(RowFate.NoAnswerPossible, row.Number);
            else if (kept.LearnedTokens() == 0)
                counts.Note(RowFate.NothingToLearn, row.Number);
            else
                found.Add(new DistillationRow(tokens.Prompt, kept));
            if (kept != text)
                counts.Note(RowFate.Cut, row.Number);
            if (!tokens.StartsWithPrompt)
                counts.Note(RowFate.OtherTokens, row.Number);
        }
        return found.Count > 0 ? found : throw counts.NothingLeft();
    }

    /// <summary>Prompts alone; those that leave no room for an answer are left out.</summary>
    /// <param name="prompts">Finds them.</param>
    /// <param name="codec">The student's.</param>
    /// <param name="limit">Tokens of prompt and answer.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <inheritdoc cref="Read" path="/exception"/>
    public static List<DistillationRow> ReadPrompts(
        PromptReader prompts, TextCodec codec, int limit, RowCounts counts, CancellationToken cancel)
    {
        var found = new List<DistillationRow>();
        foreach (PromptRow row in prompts.Read(codec, counts, cancel))
            if (row.Prompt.Ids is { } ids && ids.Length < limit)
                found.Add(new DistillationRow(ids, new TokenExample(ids, ids.Length)));
            else
                counts.Note(RowFate.PromptTooLong, row.Number);
        return found.Count > 0 ? found : throw counts.NothingLeft();
    }
}
