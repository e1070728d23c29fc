
namespace Microsoft.ML.Trl;

/// <summary>Direct preference optimisation as an estimator: learns from pairs to write the better one. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class DpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly Stage _stage;
    private readonly ModelSource? _source;
    private readonly DpoOptions _options;
    private readonly GenerationOptions? _generation;
    private readonly PreferenceColumns _columns;

    internal DpoTrainer(Stage stage, ModelSource? source, DpoOptions options, GenerationOptions? generation)
    {
        _stage = stage;
        _source = source;
        _options = options.Validated();
        _generation = generation?.Validated();
        _columns = new PreferenceColumns(options.PromptColumnName, options.ChosenColumnName, options.RejectedColumnName, null, PromptRequired: true);
    }

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">Prompts with pairs; also what carries the policy where no source was given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <exception cref="ArgumentException">Columns or rows cannot be learnt from; the message names them.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from, or the GPU asked for is not there.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var reader = new PreferenceReader(_stage.TrainingData ?? input, _columns);
        ModelSource source = _stage.Start(_source, input);
        using StageTracker tracker = _stage.Track();
        Placement place = new TrainingDevice(_options.UseCpu, _options.GpuDeviceId, _options.FallbackToCpu, _options.Bf16).Resolve(ContextSettings.Of(_stage.Ml), tracker.Warn);
        using var start = new Owned<LanguageModel>(source.OpenPolicy(place));
        LanguageModel model = start.Value;
        int limit = LengthLimit.Of(_options.MaxLength, model.Network.Config.ContextLength, tracker.Warn);
        List<PreferenceExample> pairs = reader.Read(new TextCodec(model.Tokenizer, model.Network.Config), limit);
        // A model that is already in memory serves as the reference; one that moves must be a copy.
        CausalLanguageModel? reference = _options.SyncRefModel ? null : source.Frozen(place);
        try
        {
            new DpoLoop(model.Network, reference, _options with { MaxLength = limit }, tracker).Run(pairs, _stage.Cancel);
        }
        catch (Exception stop) when (Interruption.Carries(stop))
        {
            Interruption.Keep(stop, Finish(start, tracker));
            throw;
        }
        return Finish(start, tracker);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _stage.RequireStart(_source, inputSchema);
        if (_stage.TrainingData is null)
            PreferenceReader.Require(inputSchema, _columns);
        return PolicyStage.Promise(_stage.Ml, inputSchema);
    }

    private TextGenerationTransformer Finish(Owned<LanguageModel> trained, StageTracker tracker) =>
        PolicyStage.Finish(trained, _generation, null, _options.PromptColumnName, tracker.Reports);
}
