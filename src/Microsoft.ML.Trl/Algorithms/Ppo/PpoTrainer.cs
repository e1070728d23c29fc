
namespace Microsoft.ML.Trl;

/// <summary>PPO as an estimator: answers the prompts of the data and learns from the scores of its answers. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class PpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly Stage _stage;
    private readonly ModelSource? _source;
    private readonly RewardFunction? _reward;
    private readonly PpoOptions _options;
    private readonly GenerationOptions? _generation;

    internal PpoTrainer(Stage stage, ModelSource? source, RewardFunction? reward, PpoOptions options, GenerationOptions? generation)
    {
        _stage = stage;
        _source = source;
        _reward = reward;
        _options = options.Validated();
        _generation = generation?.Validated();
    }

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">Prompts; also what carries policy and reward model where none were given.</param>
    /// <returns>Owns the trained model and its critic.</returns>
    /// <exception cref="ArgumentException">Columns or rows cannot be used; the message names them.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from or no reward, or the GPU asked for is not there.</exception>
    /// <exception cref="RewardFunctionException">The reward function threw or gave no finite number; its Model is what was reached.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        IDataView rows = _stage.TrainingData ?? input;
        DataViewSchema.Column column = InputColumns.Text(rows.Schema, _options.PromptColumnName, "prompt");
        ModelSource source = _stage.Start(_source, input);
        RewardFunction reward = _reward ?? Upstream(input.Schema) ?? throw NoReward();
        reward.Check(_stage.Ml);
        using StageTracker tracker = _stage.Track();
        Placement place = new TrainingDevice(_options.UseCpu, _options.GpuDeviceId, _options.FallbackToCpu, _options.Bf16).Resolve(ContextSettings.Of(_stage.Ml), tracker.Warn);
        using var start = new Owned<LanguageModel>(source.OpenPolicy(place));
        LanguageModel model = start.Value;
        var codec = new TextCodec(model.Tokenizer, model.Network.Config);
        List<TextRow> prompts = [.. RowReader.Read(rows, [column])];
        int[][] ids = [.. prompts.Select(row => codec.Prompt(row.Texts[0], row.Number, codec.ContextLength))];
        using var critic = new Owned<ValueHead>(model.ValueHead?.Copy(place.Device) ?? Fresh(model.Network, place, _options.Seed));
        var scorer = new RewardScorer(_stage.Ml, reward, model.Tokenizer, [.. prompts.Select(row => row.Texts[0])]);
        try
        {
            Train(model, critic.Value, source.Frozen(place), scorer, ids, tracker);
        }
        catch (Exception stop) when (Interruption.Carries(stop))
        {
            Interruption.Keep(stop, Finish(start, critic, tracker));
            throw;
        }
        return Finish(start, critic, tracker);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _stage.RequireStart(_source, inputSchema);
        if (_reward is null && ModelHandle.PromisedColumn(inputSchema, ModelHandle.RewardKind) is null)
            throw NoReward();
        if (_stage.TrainingData is null)
            InputColumns.RequireText(inputSchema, _options.PromptColumnName, "prompt");
        return PolicyStage.Promise(_stage.Ml, inputSchema);
    }

    private static RewardFunction? Upstream(DataViewSchema schema) =>
        ModelHandle.Nearest<TextRewardModel>(schema, ModelHandle.RewardKind) is { } model ? RewardFunction.FromModel(model) : null;

    private static InvalidOperationException NoReward() =>
        new("PPO has no reward: none was given, and no stage upstream trains a reward model. Pass a function of prompt and response or a RewardFunction, or append Ppo to a RewardModel stage.");

    private static ValueHead Fresh(CausalLanguageModel policy, Placement place, int seed)
    {
        using ValueHead drawn = ValueHead.Create(policy.Config.HiddenSize, seed);
        return drawn.Copy(place.Device);
    }

    private void Train(LanguageModel model, ValueHead critic, CausalLanguageModel? reference, RewardScorer scorer, int[][] prompts, StageTracker tracker)
    {
        using var session = new PpoSession(model.Network, _options, critic, reference);
        var stops = new StopStrings(_options.Generation.StopStrings, tokens => model.Tokenizer.Decode(tokens));
        new PpoLoop(session, scorer, _options, tracker, tracker.Warn, stops.IsReached).Run(prompts, _stage.Cancel);
    }

    private TextGenerationTransformer Finish(Owned<LanguageModel> trained, Owned<ValueHead> critic, StageTracker tracker) =>
        PolicyStage.Finish(trained, _generation ?? _options.Generation, critic.Release(), _options.PromptColumnName, tracker.Reports);
}
