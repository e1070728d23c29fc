namespace Microsoft.ML.Trl;

/// <summary>
/// Process reward modelling as an estimator: learns of each step of a completion whether it is right. Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class PrmTrainer : IEstimator<StepRewardTransformer>
{
    internal static readonly IReadOnlyList<string> Labels = ["LABEL_0", "LABEL_1"]; // wrong and right

    private readonly StageContext _stage;
    private readonly PrmOptions _options;

    internal PrmTrainer(StageContext stage, PrmOptions options) => (_stage, _options) = (stage, options.Validated());

    /// <summary>Trains a copy of the starting model with a head of two labels; the data are read once.</summary>
    /// <param name="input">
    /// Prompts, completions and a label for each step; also what carries the policy where no source was given.
    /// </param>
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
    public StepRewardTransformer Fit(IDataView input)
    {
        var readers = new StageReaders<StepReader>(_stage, _options, input, data => new StepReader(data, _options));
        return FitSession.TrainClassifier(
            _stage, _options, input, new WantedLabels(Labels, IsOrderFree: false, _options.Seed),
            (session, model) =>
            {
                int limit = session.LimitLength(_options.MaxLength, model.Network.Config);
                StageRows<StepExample> rows = readers.Read(
                    session, (reader, counts) => reader.Read(model.Tokenizer, limit, counts, session.Cancel));
                new PrmLoop(model.Network, _options, session.Progress) { HeldOut = rows.HeldOut }.Run(rows.Training, session.Cancel);
            },
            (model, reports) => new StepRewardTransformer(_stage.Ml, model, _options.Output, reports));
    }

    /// <inheritdoc cref="DpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _stage.RequireInput(inputSchema, shape => StepReader.Require(shape, _options));
        return PromisedColumns.WithVector(_stage.Ml, inputSchema, _options.OutputColumnName);
    }
}
