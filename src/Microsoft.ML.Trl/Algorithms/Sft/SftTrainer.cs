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
    /// <inheritdoc cref="DpoTrainer.Fit" path="/exception"/>
    /// <exception cref="NotSupportedException">
    /// The source is an encoder-decoder, and the options ask for packing or the data have no prompts.
    /// </exception>
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
