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
    /// <inheritdoc cref="DpoTrainer.Fit" path="/exception"/>
    public RewardTransformer Fit(IDataView input) =>
        Fit(input, new StageReaders<PreferenceReader>(_stage, _options, input, data => new PreferenceReader(data, _options.Columns)));

    /// <inheritdoc cref="DpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _stage.RequireInput(inputSchema, shape => PreferenceReader.Require(shape, _options.Columns));
        return PromisedColumns.WithNumber(_stage.Ml, inputSchema, _options.OutputColumnName, ModelHandle.RewardKind);
    }

    private RewardTransformer Fit(IDataView input, StageReaders<PreferenceReader> readers) => FitSession.TrainReward(
        _stage, _options, input,
        (session, model) =>
        {
            int limit = session.LimitLength(_options.MaxLength, model.Network.Config);
            StageRows<PreferenceExample> pairs = readers.Read(
                session, (reader, counts) => reader.ReadFitting(model.Codec, limit, counts, session.Cancel));
            new RewardLoop(model.Network, _options with { MaxLength = limit }, session.Progress) { HeldOut = pairs.HeldOut }
                .Run(pairs.Training, session.Cancel);
        },
        (model, reports) => new RewardTransformer(_stage.Ml, model, _options.Output, reports)
        {
            ReadsWholeTexts = !readers.Training.HasPrompts,
        });
}
