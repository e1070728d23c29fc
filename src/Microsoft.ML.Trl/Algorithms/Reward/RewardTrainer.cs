namespace Microsoft.ML.Trl;

/// <summary>Reward modelling as an estimator: learns from pairs which completion is better. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class RewardTrainer : IEstimator<RewardTransformer>
{
    private readonly StageContext _stage;
    private readonly RewardOptions _options;

    internal RewardTrainer(StageContext stage, RewardOptions options) => (_stage, _options) = (stage, options.Validated());

    /// <summary>Trains a copy of the starting model with a scoring head; the data are read once.</summary>
    /// <param name="input">Pairs, with or without a prompt column; also what carries the policy where no source was given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be learnt from, or options do not fit the model; the message names them.
    /// </exception>
    /// <exception cref="IOException">
    /// The source is a folder that is not there, or lacks a file; or a folder of the options (optimizer state, activations) is not there,
    /// or its disk full.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged, or a row's conversation cannot be rendered.</exception>
    /// <exception cref="NotSupportedException">The source's family, tokenizer or weights are of a kind that is not supported.</exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, it has no chat template for conversations, the GPU asked for is not there, or a function of the
    /// options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public RewardTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var reader = new PreferenceReader(_stage.TrainingData ?? input, _options.Columns);
        PreferenceReader? heldOut = EvaluationRows.Open(_options, data => new PreferenceReader(data, _options.Columns));
        return FitSession.TrainReward(
            _stage, _options, input,
            (session, model) =>
            {
                int limit = session.LimitLength(_options.MaxLength, model.Network.Config);
                var counts = new RowCounts();
                List<PreferenceExample> pairs = reader.ReadFitting(model.Codec, limit, counts, session.Cancel);
                session.Tell(counts);
                IReadOnlyList<PreferenceExample>? others = EvaluationRows.Read(
                    heldOut, (from, seen) => from.ReadFitting(model.Codec, limit, seen, session.Cancel), session.Warn);
                new RewardLoop(model.Network, _options with { MaxLength = limit }, session.Progress) { HeldOut = others }
                    .Run(pairs, session.Cancel);
            },
            (model, reports) => new RewardTransformer(_stage.Ml, model, _options.Output, reports)
            {
                ReadsWholeTexts = !reader.HasPrompts,
            });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _stage.RequireStartModel(inputSchema);
        if (_stage.TrainingData is null)
            PreferenceReader.Require(inputSchema, _options.Columns);
        return PromisedColumns.WithNumber(_stage.Ml, inputSchema, _options.OutputColumnName, ModelHandle.RewardKind);
    }
}
