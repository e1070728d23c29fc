
namespace Microsoft.ML.Trl;

/// <summary>Reward modelling as an estimator: learns from pairs which completion is better. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class RewardTrainer : IEstimator<RewardTransformer>
{
    private readonly Stage _stage;
    private readonly ModelSource? _source;
    private readonly RewardOptions _options;
    private readonly PreferenceColumns _columns;

    internal RewardTrainer(Stage stage, ModelSource? source, RewardOptions options)
    {
        _stage = stage;
        _source = source;
        _options = options.Validated();
        _columns = new PreferenceColumns(options.PromptColumnName, options.ChosenColumnName, options.RejectedColumnName, options.MarginColumnName, PromptRequired: false);
    }

    /// <summary>Trains a copy of the starting model with a scoring head; the data are read once.</summary>
    /// <param name="input">Pairs, with or without a prompt column; also what carries the policy where no source was given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <exception cref="ArgumentException">Columns or rows cannot be learnt from; the message names them.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from, or the GPU asked for is not there.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public RewardTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var reader = new PreferenceReader(_stage.TrainingData ?? input, _columns);
        ModelSource source = _stage.Start(_source, input);
        using StageTracker tracker = _stage.Track();
        Placement place = new TrainingDevice(_options.UseCpu, _options.GpuDeviceId, _options.FallbackToCpu, _options.Bf16).Resolve(ContextSettings.Of(_stage.Ml), tracker.Warn);
        using var start = new Owned<TextRewardModel>(source.OpenReward(place, _options.Seed));
        RewardModel network = start.Value.Network;
        int limit = LengthLimit.Of(_options.MaxLength, network.Config.ContextLength, tracker.Warn);
        List<PreferenceExample> pairs = reader.Read(new TextCodec(start.Value.Tokenizer, network.Config), limit);
        try
        {
            new RewardLoop(network, _options with { MaxLength = limit }, tracker).Run(pairs, _stage.Cancel);
        }
        catch (Exception stop) when (Interruption.Carries(stop))
        {
            Interruption.Keep(stop, Finish(start, reader, tracker));
            throw;
        }
        return Finish(start, reader, tracker);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _stage.RequireStart(_source, inputSchema);
        if (_stage.TrainingData is null)
            PreferenceReader.Require(inputSchema, _columns);
        return PromisedColumns.WithNumber(_stage.Ml, inputSchema, PolicyStage.ScoreColumnName, ModelHandle.RewardKind);
    }

    private RewardTransformer Finish(Owned<TextRewardModel> trained, PreferenceReader reader, StageTracker tracker)
    {
        TextRewardModel model = trained.Release();
        var finished = new TextRewardModel(model.Network, model.Tokenizer, readsWholeTexts: !reader.HasPrompts);
        return new RewardTransformer(finished, _options.PromptColumnName, PolicyStage.CompletionColumnName, PolicyStage.ScoreColumnName, [.. tracker.Reports]);
    }
}
