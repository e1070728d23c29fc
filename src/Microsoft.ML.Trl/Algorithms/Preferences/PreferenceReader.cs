using System.Globalization;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Reads pairs of a better and a worse completion.</summary>
internal sealed class PreferenceReader
{
    private readonly IDataView _rows;
    private readonly DataViewSchema.Column? _prompt;
    private readonly DataViewSchema.Column _chosen;
    private readonly DataViewSchema.Column _rejected;
    private readonly DataViewSchema.Column? _margin;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    public PreferenceReader(IDataView rows, PreferenceColumns columns)
    {
        _rows = rows;
        _prompt = columns.PromptRequired
            ? InputColumns.Text(rows.Schema, columns.Prompt, "prompt")
            : InputColumns.TextOrNull(rows.Schema, columns.Prompt, "prompt");
        _chosen = InputColumns.Text(rows.Schema, columns.Chosen, "chosen");
        _rejected = InputColumns.Text(rows.Schema, columns.Rejected, "rejected");
        _margin = columns.Margin is { } margin ? InputColumns.Number(rows.Schema, margin, "margin") : null;
    }

    /// <summary>Whether the data have prompts; otherwise chosen and rejected are whole texts.</summary>
    public bool HasPrompts => _prompt is not null;

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, PreferenceColumns columns)
    {
        if (columns.PromptRequired)
            InputColumns.RequireText(shape, columns.Prompt, "prompt");
        else
            InputColumns.HasText(shape, columns.Prompt, "prompt");
        InputColumns.RequireText(shape, columns.Chosen, "chosen");
        InputColumns.RequireText(shape, columns.Rejected, "rejected");
        if (columns.Margin is { } margin)
            InputColumns.RequireNumber(shape, margin, "margin");
    }

    /// <summary>All rows as tokens.</summary>
    /// <param name="codec">The model's.</param>
    /// <param name="limit">Tokens a row may have; a prompt must leave room below it.</param>
    /// <exception cref="ArgumentException">There are no rows, or one cannot be learnt from; the message names it.</exception>
    public List<PreferenceExample> Read(TextCodec codec, int limit)
    {
        DataViewSchema.Column[] texts = _prompt is { } prompt ? [prompt, _chosen, _rejected] : [_chosen, _rejected];
        List<PreferenceExample> examples = [.. RowReader.Read(_rows, texts, _margin).Select(row => Pair(codec, row, limit))];
        return examples.Count > 0 ? examples : throw new ArgumentException("The training data have no rows; at least one pair is needed.");
    }

    private PreferenceExample Pair(TextCodec codec, TextRow row, int limit)
    {
        (string chosen, string rejected) = (row.Texts[^2], row.Texts[^1]);
        if (chosen == rejected)
            throw new ArgumentException(
                $"Row {row.Number}: chosen and rejected are equal (\"{Short(chosen)}\"); a pair must say which of two completions is "
                + "better. Leave the row out.");
        if (row.Value is { } margin && !double.IsFinite(margin))
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"Row {row.Number}: the margin is {margin}; it must be a finite number."));
        return HasPrompts
            ? new PreferenceExample(
                codec.Prompt(row.Texts[0], row.Number, limit), codec.Completion(chosen), codec.Completion(rejected), row.Value)
            : new PreferenceExample([], codec.Whole(chosen), codec.Whole(rejected), row.Value);
    }

    private static string Short(string text) => text.Length <= 40 ? text : text[..40] + "...";
}

/// <summary>The columns of pairs.</summary>
/// <param name="Prompt">Text; where it is not required and absent, the completions are whole texts.</param>
/// <param name="Chosen">Text.</param>
/// <param name="Rejected">Text.</param>
/// <param name="Margin">Numbers; null = none.</param>
/// <param name="PromptRequired">Whether there must be prompts.</param>
internal sealed record PreferenceColumns(string Prompt, string Chosen, string Rejected, string? Margin, bool PromptRequired);
