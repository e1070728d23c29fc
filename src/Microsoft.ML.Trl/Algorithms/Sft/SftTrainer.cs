namespace Microsoft.ML.Trl;

/// <summary>Supervised fine-tuning as an estimator: learns to write the data's completions. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class SftTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly SftOptions _options;

    internal SftTrainer(StageContext stage, SftOptions options) => (_stage, _options) = (stage, options.Validated());

    /// <summary>Trains a copy of the starting model; the data are read once.</summary>
    /// <param name="input">Prompt and completion, or text; also what carries the policy where no source was given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be learnt from, or options do not fit the model; the message names them.
    /// </exception>
    /// <exception cref="IOException">
    /// The source is a folder that is not there, or lacks a file; or a folder of the options (optimizer state, activations) is not there,
    /// or its disk full.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged, or a row's conversation cannot be rendered.</exception>
    /// <exception cref="NotSupportedException">
    /// The source's family, tokenizer or weights are of a kind that is not supported; or it is an encoder-decoder, and the options ask for
    /// packing or the data have no prompts.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, it has no chat template for conversations, the GPU asked for is not there, or a function of the
    /// options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input)
    {
        SftOptions measured = _options with { Packing = _options.EvalPacking ?? _options.Packing };
        var readers = new StageReaders<SftReader>(
            _stage, _options, input, data => new SftReader(data, _options), data => new SftReader(data, measured));
        return FitSession.TrainPolicy(_stage, _options, input, _options.Output, HeldReference.Usual, (session, model, _) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            int limit = session.LimitLength(_options.MaxLength, model.Network.Config);
            StageRows<TokenExample> rows = readers.Read(
                session, (reader, counts) => reader.Read(model.Codec, limit, counts, session.Cancel));
            new SftLoop(model.Network, _options with { MaxLength = limit }, session.Progress) { HeldOut = rows.HeldOut }
                .Run(rows.Training, session.Cancel);
        });
    }

    /// <inheritdoc cref="DpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _stage.RequireInput(inputSchema, shape => SftReader.Require(shape, _options));
        return _options.Output.Promise(_stage.Ml, inputSchema);
    }
}
