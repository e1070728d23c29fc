
namespace Microsoft.ML.Trl;

/// <summary>Supervised fine-tuning as an estimator: learns to write the completions of the data. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class SftTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly Stage _stage;
    private readonly ModelSource? _source;
    private readonly SftOptions _options;
    private readonly GenerationOptions? _generation;

    internal SftTrainer(Stage stage, ModelSource? source, SftOptions options, GenerationOptions? generation)
    {
        _stage = stage;
        _source = source;
        _options = options.Validated();
        _generation = generation?.Validated();
    }

    /// <summary>Trains a copy of the starting model; the data are read once.</summary>
    /// <param name="input">Prompt and completion, or text; also what carries the policy where no source was given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <exception cref="ArgumentException">Columns or rows cannot be learnt from; the message names them.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from, or the GPU asked for is not there.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var reader = new SftReader(_stage.TrainingData ?? input, _options);
        ModelSource source = _stage.Start(_source, input);
        using StageTracker tracker = _stage.Track();
        Placement place = new TrainingDevice(_options.UseCpu, _options.GpuDeviceId, _options.FallbackToCpu, _options.Bf16).Resolve(ContextSettings.Of(_stage.Ml), tracker.Warn);
        using var start = new Owned<LanguageModel>(source.OpenPolicy(place));
        LanguageModel model = start.Value;
        int limit = LengthLimit.Of(_options.MaxLength, model.Network.Config.ContextLength, tracker.Warn);
        List<TokenExample> examples = reader.Read(new TextCodec(model.Tokenizer, model.Network.Config), limit);
        try
        {
            new SftLoop(model.Network, _options with { MaxLength = limit }, tracker).Run(examples, _stage.Cancel);
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
            SftReader.Require(inputSchema, _options);
        return PolicyStage.Promise(_stage.Ml, inputSchema);
    }

    private TextGenerationTransformer Finish(Owned<LanguageModel> trained, StageTracker tracker) =>
        PolicyStage.Finish(trained, _generation, null, _options.PromptColumnName, tracker.Reports);
}
