namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What the stages have in common that learn from several completions of each prompt.</summary>
internal sealed class GroupStage
{
    private readonly StageContext _stage;
    private readonly IReadOnlyList<RewardFunction>? _rewards;
    private readonly GroupOptions _options;

    /// <summary>Keeps what the stage was given.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="rewards">Rewards; null = the nearest reward model upstream.</param>
    /// <param name="options">Validated.</param>
    /// <exception cref="ArgumentException">There are no rewards, or not as many as weights.</exception>
    public GroupStage(StageContext stage, IReadOnlyList<RewardFunction>? rewards, GroupOptions options)
    {
        (_stage, _rewards, _options) = (stage, rewards, options);
        if (rewards is not null)
            _ = new RewardSet(rewards, options.RewardWeights); // says what does not fit before anything is fitted
    }

    /// <summary>Reads prompts and trains a copy of the starting model, with the starting model as reference.</summary>
    public TextGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        IDataView data = _stage.TrainingData ?? input;
        _ = new PromptReader(data, _options.PromptColumnName, _options.Conversations); // says what is missing before a model is loaded
        _stage.StartModel(input);
        var rewards = new RewardSet(_rewards ?? [UpstreamReward.Of(_stage, input.Schema)], _options.RewardWeights);
        rewards.Check(_stage.Ml, data.Schema);
        HeldOutReader? heldOut = HeldOutReader.Open(_stage, _options, _options.PromptColumnName, _options.Conversations, rewards);
        return FitSession.TrainPolicy(_stage, _options, input, _options.Output, _options.Held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            using MultiTurnTools? tools = _options.HasTurns ? new MultiTurnTools(_options) : null;
            var reader = new PromptReader(data, _options.PromptColumnName, _options.Conversations) { Tools = tools?.Schemas };
            var counts = new RowCounts();
            List<PromptRow> prompts = reader.Read(model.Codec, counts, session.Cancel);
            session.Tell(counts);
            RewardScorer scorer = rewards.Bind(new RewardContext(_stage.Ml, data, model.Tokenizer), model, prompts);
            var stops = new StopStrings(_options.Generation.StopStrings, tokens => model.Tokenizer.Decode(tokens));
            var work = new GroupWork([.. prompts.Select(row => row.Prompt.Ids)], scorer, rewards.Weights)
            {
                Stop = stops.IsReached,
                HeldOut = heldOut?.Read(model, session),
                Rollout = tools is null ? null : new MultiTurnRollout(model, tools, prompts, new TypedRows(_stage.Ml, data), _options),
            };
            new GroupLoop(_stage.Name, model.Network, _options, _options.Objective(), session.Progress)
                .Run(work, reference, session.Cancel);
        });
    }

    /// <summary>The columns that the fitted stage promises, where the pipeline before it promises those that training reads.</summary>
    public SchemaShape Promise(SchemaShape inputSchema) =>
        PromptStage.Promise(_stage, _options.Output, inputSchema, _rewards is null ? UpstreamReward.Require : null);
}
