namespace Microsoft.ML.Trl.Algorithms.Prm;

/// <summary>A prompt with its steps to learn from.</summary>
/// <param name="Tokens">Of prompt and steps.</param>
/// <param name="Labels">For each step that has an end: 1 = right, 0 = wrong, -100 = not learnt.</param>
internal sealed record StepExample(StepTokens Tokens, int[] Labels);

/// <summary>Reads prompts with completions, and a label for each step of them.</summary>
internal sealed class StepReader
{
    private readonly IDataView _rows;
    private readonly DataViewSchema.Column[] _texts;
    private readonly DataViewSchema.Column _labels;
    private readonly PrmOptions _options;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    public StepReader(IDataView rows, PrmOptions options)
    {
        (_rows, _options) = (rows, options);
        _texts =
        [
            InputColumns.Text(rows.Schema, options.PromptColumnName, "prompt"),
            InputColumns.Text(rows.Schema, options.CompletionColumnName, "completion"),
        ];
        _labels = InputColumns.Flags(rows.Schema, options.LabelsColumnName, "labels");
    }

    /// <summary>The same check before anything is fitted.</summary>
    public static void Require(SchemaShape shape, PrmOptions options)
    {
        InputColumns.RequireText(shape, options.PromptColumnName, "prompt");
        InputColumns.RequireText(shape, options.CompletionColumnName, "completion");
        InputColumns.RequireFlags(shape, options.LabelsColumnName, "labels");
    }

    /// <summary>All rows as tokens; those without a label to learn within the limits are left out.</summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="limit">Tokens of prompt and steps.</param>
    /// <param name="counts">Told what becomes of the rows.</param>
    /// <param name="cancel">Looked at for every row.</param>
    /// <exception cref="ArgumentException">
    /// There are no rows, none can be learnt from, or one has not a label for each step; the message names it.
    /// </exception>
    public List<StepExample> Read(TextTokenizer tokenizer, int limit, RowCounts counts, CancellationToken cancel)
    {
        var texts = new StepTexts(tokenizer, _options.StepSeparator);
        var examples = new List<StepExample>();
        foreach (TextRow row in RowReader.Read(_rows, _texts, vector: _labels))
        {
            cancel.ThrowIfCancellationRequested();
            counts.Add();
            string[] steps = texts.Split(row.Texts[1]);
            int[] labels = Labels(row, steps.Length);
            StepTokens tokens = texts.Encode(row.Texts[0], steps, limit, _options.MaxCompletionLength);
            if (tokens.Ends.Length < steps.Length)
                counts.Note(RowFate.Cut, row.Number);
            int[] kept = labels[..tokens.Ends.Length];
            if (kept.Any(label => label >= 0))
                examples.Add(new StepExample(tokens, kept));
            else
                counts.Note(RowFate.NothingToLearn, row.Number);
        }
        return examples.Count > 0 ? examples : throw counts.NothingLeft();
    }

    private int[] Labels(TextRow row, int steps)
    {
        float[] given = row.Vector!;
        if (given.Length != steps)
            throw new ArgumentException(
                $"Row {row.Number} has {steps} steps, ended by the separator, and {given.Length} labels in the column '{_labels.Name}'; "
                + "give one for each.");
        if (given.FirstOrDefault(label => label is not (0 or 1), 1) is var bad and not (0 or 1))
            throw new ArgumentException(FormattableString.Invariant(
                $"Row {row.Number}: a label is {bad}; it must be true or 1 where the step is right, else false or 0."));
        return [.. given.Select((label, step) => _options.TrainOnLastStepOnly && step < steps - 1 ? -100 : (int)label)];
    }
}
