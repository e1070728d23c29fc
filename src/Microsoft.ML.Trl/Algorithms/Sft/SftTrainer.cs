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
        ArgumentNullException.ThrowIfNull(input);
        var reader = new SftReader(_stage.TrainingData ?? input, _options);
        SftOptions measured = _options with { Packing = _options.EvalPacking ?? _options.Packing };
        SftReader? heldOut = EvaluationRows.Open(_options, data => new SftReader(data, measured));
        return FitSession.TrainPolicy(_stage, _options, input, _options.Output, HeldReference.Usual, (session, model, _) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            int limit = session.LimitLength(_options.MaxLength, model.Network.Config);
            var counts = new RowCounts();
            List<TokenExample> examples = reader.Read(model.Codec, limit, _options, counts, session.Cancel);
            session.Tell(counts);
            IReadOnlyList<TokenExample>? others = EvaluationRows.Read(
                heldOut, (from, seen) => from.Read(model.Codec, limit, measured, seen, session.Cancel), session.Warn);
            new SftLoop(model.Network, _options with { MaxLength = limit }, session.Progress) { HeldOut = others }
                .Run(examples, session.Cancel);
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
            SftReader.Require(inputSchema, _options);
        return _options.Output.Promise(_stage.Ml, inputSchema);
    }
}
