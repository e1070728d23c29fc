namespace Microsoft.ML.Trl;

/// <summary>Text classification as an estimator: learns the label of each text. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class TextClassificationTrainer : IEstimator<TextClassificationTransformer>
{
    private readonly StageContext _stage;
    private readonly TextClassificationOptions _options;

    internal TextClassificationTrainer(StageContext stage, TextClassificationOptions options) =>
        (_stage, _options) = (stage, options.Validated());

    /// <summary>
    /// Trains a copy of the starting model, which gets a new head where it has none for the labels; the data are read once.
    /// </summary>
    /// <param name="input">Texts and labels; also what carries the policy where no source was given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be learnt from, or options do not fit the model; the message names them.
    /// </exception>
    /// <exception cref="IOException">
    /// The source is a folder that is not there, or lacks a file; or a folder of the options (optimizer state, activations) is not there,
    /// or its disk full.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged.</exception>
    /// <exception cref="NotSupportedException">The source's family, tokenizer or weights are of a kind that is not supported.</exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, the GPU asked for is not there, or a function of the options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextClassificationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var reader = new LabelledTextReader(_stage.TrainingData ?? input, _options);
        List<LabelledText> rows = [.. reader.Read()];
        if (rows.Count == 0)
            throw new RowCounts().NothingLeft();
        LabelledTextReader? heldOut = EvaluationRows.Open(_options, data => Alike(reader, new LabelledTextReader(data, _options)));
        return FitSession.TrainClassifier(
            _stage, _options, input, Labels(reader, rows),
            (session, model) =>
            {
                if (reader.LearnsNumbers && _options.LabelSmoothingFactor > 0)
                    session.Warn("Options without effect in this run: LabelSmoothingFactor with labels that are fractional numbers.");
                int limit = session.LimitLength(_options.MaxLength, model.Network.Config);
                var counts = new RowCounts();
                List<ClassificationExample> examples = Examples(rows, model, limit, counts);
                session.Tell(counts);
                IReadOnlyList<ClassificationExample>? others = EvaluationRows.Read(
                    heldOut, (from, seen) => Examples(from.Read(), model, limit, seen), session.Warn);
                new ClassificationLoop(model.Network, _options, reader.LearnsNumbers, session.Progress) { HeldOut = others }
                    .Run(examples, session.Cancel);
            },
            (model, reports) => new TextClassificationTransformer(_stage.Ml, model, _options.Output, reports));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _stage.RequireInput(inputSchema, shape =>
        {
            InputColumns.RequireText(shape, _options.TextColumnName, "text");
            InputColumns.RequireLabel(shape, _options.LabelColumnName);
        });
        return PromisedColumns.WithLabels(_stage.Ml, inputSchema, _options.Output);
    }

    private LabelledTextReader Alike(LabelledTextReader training, LabelledTextReader other) =>
        training.LearnsNumbers == other.LearnsNumbers ? other : throw new ArgumentException(
            $"the column '{_options.LabelColumnName}' holds {Kind(other)}, that of the training data {Kind(training)}; give the "
            + "same kind.");

    private static string Kind(LabelledTextReader reader) => reader.LearnsNumbers ? "fractional numbers" : "labels";

    private static List<ClassificationExample> Examples(
        IEnumerable<LabelledText> rows, TextClassifier model, int limit, RowCounts counts)
    {
        Dictionary<string, int> numbers = model.Labels.Select((label, id) => (label, id)).ToDictionary();
        var examples = new List<ClassificationExample>();
        foreach (LabelledText row in rows)
        {
            counts.Add();
            int[] ids = model.Encode(row.Text, limit);
            if (ids.Length == 0)
                counts.Note(RowFate.NoToken, row.Row);
            else
                examples.Add(new ClassificationExample(ids, row.Label is { } label ? Number(numbers, label, row.Row) : 0, row.Value));
        }
        return examples.Count > 0 ? examples : throw counts.NothingLeft();
    }

    private static int Number(Dictionary<string, int> numbers, string label, long row) =>
        numbers.TryGetValue(label, out int number) ? number : throw new ArgumentException(
            $"Row {row} has the label '{label}', which is none of those that are learnt: {string.Join(", ", numbers.Keys)}.");

    private WantedLabels Labels(LabelledTextReader reader, List<LabelledText> rows)
    {
        if (reader.LearnsNumbers)
        {
            if (_options.Labels is { Count: > 1 } many)
                throw new ArgumentException(
                    $"Labels names {many.Count} labels, but the column '{_options.LabelColumnName}' holds fractional numbers, of which a "
                    + "model of one number is learnt. Leave Labels out, or give a column of labels.");
            return new WantedLabels(_options.Labels ?? ["LABEL_0"], _options.Labels is null, _options.Seed);
        }
        string[] held = [.. rows.Select(row => row.Label!).Distinct().Order(StringComparer.Ordinal)];
        if (_options.Labels is { } given)
        {
            LabelledText? strange = rows.Find(row => !given.Contains(row.Label));
            return strange is null ? new WantedLabels(given, IsOrderFree: false, _options.Seed) : throw new ArgumentException(
                $"Row {strange.Row} has the label '{strange.Label}', but Labels are [{string.Join(", ", given)}]. Add it, or leave the row "
                + "out.");
        }
        return held.Length > 1 ? new WantedLabels(held, IsOrderFree: true, _options.Seed) : throw new ArgumentException(
            $"All rows have the label '{held[0]}'; at least two labels are needed. Give rows of another, or name all in Labels.");
    }
}
