namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What a method brings to a run of its own. Owns what it opened for that.</summary>
/// <param name="Objective">Of the run.</param>
/// <param name="Opened">Disposed of at the end; null = nothing.</param>
internal sealed record GroupMethod(IGroupObjective Objective, IDisposable? Opened = null) : IDisposable
{
    /// <summary>Most tokens of prompt and completion; null = as many as the policy reads.</summary>
    public int? MaxLength { get; init; }

    /// <inheritdoc/>
    public void Dispose() => Opened?.Dispose();
}

/// <summary>What the stages have in common that learn from several completions of each prompt.</summary>
internal sealed class GroupStage
{
    private readonly StageContext _stage;
    private readonly RewardSet? _rewards;
    private readonly GroupOptions _options;
    private readonly Func<FitSession, LanguageModel, GroupMethod>? _open;

    /// <summary>Keeps what the stage was given.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="rewards">Rewards; null = the nearest reward model upstream; empty only where the method learns without them.</param>
    /// <param name="options">Validated.</param>
    /// <param name="open">Makes the method when the policy is there; null = as the options say.</param>
    /// <exception cref="ArgumentException">There are no rewards, or not as many as weights.</exception>
    public GroupStage(
        StageContext stage, IReadOnlyList<RewardFunction>? rewards, GroupOptions options,
        Func<FitSession, LanguageModel, GroupMethod>? open = null)
    {
        (_stage, _options, _open) = (stage, options, open);
        _rewards = rewards is null ? null // says what does not fit before anything is fitted
            : rewards.Count == 0 && open is not null ? RewardSet.None : new RewardSet(rewards, options.RewardWeights);
    }

    /// <summary>Reads prompts and trains a copy of the starting model, with the starting model as reference.</summary>
    public TextGenerationTransformer Fit(IDataView input)
    {
        var source = new StagePrompts(_stage, _options, _options.Output, input);
        RewardSet rewards = _rewards ?? new RewardSet([UpstreamReward.Of(_stage, input.Schema)], _options.RewardWeights);
        source.Check(rewards.Check);
        return FitSession.TrainPolicy(_stage, _options, input, _options.Output, _options.Held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            using GroupMethod method = _open?.Invoke(session, model) ?? new GroupMethod(_options.Objective());
            using MultiTurnTools? tools = _options.HasTurns ? new MultiTurnTools(_options) : null;
            using MultiTurnTools? heldOutTools = _options.HasTurns && source.Evaluates ? new MultiTurnTools(_options) : null;
            PromptReading With(MultiTurnTools? acting) => new()
            {
                Keep = (rows, counts) => WithRoom(rows, method.MaxLength, counts),
                Tools = acting?.Schemas,
                Rollout = (rows, from) => _options.RolloutFunc is not null ? new FunctionRollout(model, rows, _options)
                    : acting is null ? null : new MultiTurnRollout(model, acting, rows, new TypedRows(_stage.Ml, from), _options),
            };
            RunPrompts prompts = source.Read(session, model, rewards, evaluated => With(evaluated ? heldOutTools : tools));
            var work = new GroupWork(prompts.Training.Prompts, prompts.Training.Scorer, rewards.Weights)
            {
                Stop = model.StopRule(_options.Generation),
                MaxLength = method.MaxLength,
                HeldOut = prompts.HeldOut,
                Rollout = prompts.Training.Rollout,
            };
            new GroupLoop(_stage.Name, model.Network, _options, method.Objective, session.Progress)
                .Run(work, reference, session.Cancel);
        });
    }

    /// <summary>The columns that the fitted stage promises, where the pipeline before it promises those that training reads.</summary>
    public SchemaShape Promise(SchemaShape inputSchema) =>
        PromptStage.Promise(_stage, _options.Output, inputSchema, _rewards is null ? UpstreamReward.Require : null);

    /// <summary>The prompts that leave room for an answer.</summary>
    private static List<PromptRow> WithRoom(List<PromptRow> prompts, int? most, RowCounts counts)
    {
        ILookup<bool, PromptRow> hasRoom = prompts.ToLookup(row => !(row.Prompt.Ids.Length >= most));
        foreach (PromptRow row in hasRoom[false])
            counts.Note(RowFate.NoAnswerPossible, row.Number);
        return hasRoom[true].Any() ? [.. hasRoom[true]] : throw counts.NothingLeft();
    }
}
