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
internal static class GroupStage
{
    /// <summary>Reads prompts and trains a copy of the starting model, with the starting model as reference.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Validated.</param>
    /// <param name="input">Carries policy and reward model where none were given.</param>
    /// <param name="given">Rewards; null = the nearest reward model upstream; empty, where the method does without = none.</param>
    /// <param name="open">Makes the method when the policy is there; null = as the options say.</param>
    public static TextGenerationTransformer Fit(
        StageContext stage, GroupOptions options, IDataView input, IReadOnlyList<RewardFunction>? given,
        Func<FitSession, LanguageModel, GroupMethod>? open = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        IDataView data = stage.TrainingData ?? input;
        _ = new PromptReader(data, options.PromptColumnName, options.Conversations); // says what is missing before a model is loaded
        stage.StartModel(input);
        RewardSet rewards = given is []
            ? RewardSet.None : new RewardSet(given ?? [UpstreamReward.Of(stage, input.Schema)], options.RewardWeights);
        rewards.Check(stage.Ml, data.Schema);
        HeldOutReader? heldOut = HeldOutReader.Open(stage, options, options.PromptColumnName, options.Conversations, rewards);
        return FitSession.TrainPolicy(stage, options, input, options.Output, options.Held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            using GroupMethod method = open?.Invoke(session, model) ?? new GroupMethod(options.Objective());
            using MultiTurnTools? tools = options.HasTurns ? new MultiTurnTools(options) : null;
            using MultiTurnTools? heldOutTools = options.HasTurns && heldOut is not null ? new MultiTurnTools(options) : null;
            var reader = new PromptReader(data, options.PromptColumnName, options.Conversations) { Tools = tools?.Schemas };
            List<PromptRow> WithinLimit(List<PromptRow> rows, RowCounts counts) => WithRoom(rows, method.MaxLength, counts);
            IRollout? Rollout(MultiTurnTools? acting, IReadOnlyList<PromptRow> rows, IDataView from) =>
                acting is null ? null : new MultiTurnRollout(model, acting, rows, new TypedRows(stage.Ml, from), options);
            var counts = new RowCounts();
            List<PromptRow> prompts = WithinLimit(reader.Read(model.Codec, counts, session.Cancel), counts);
            session.Tell(counts);
            RewardScorer scorer = rewards.Bind(new RewardContext(stage.Ml, data, model.Tokenizer), model, prompts);
            var stops = new StopStrings(options.Generation.StopStrings, tokens => model.Tokenizer.Decode(tokens));
            var work = new GroupWork([.. prompts.Select(row => row.Prompt.Ids)], scorer, rewards.Weights)
            {
                Stop = stops.IsReached,
                MaxLength = method.MaxLength,
                HeldOut = heldOut?.Read(model, session, new HeldOutReading
                {
                    Keep = WithinLimit, Tools = heldOutTools?.Schemas, Rollout = (rows, from) => Rollout(heldOutTools, rows, from),
                }),
                Rollout = Rollout(tools, prompts, data),
            };
            new GroupLoop(stage.Name, model.Network, options, method.Objective, session.Progress).Run(work, reference, session.Cancel);
        });
    }

    /// <summary>The prompts that leave room for an answer.</summary>
    private static List<PromptRow> WithRoom(List<PromptRow> prompts, int? most, RowCounts counts)
    {
        ILookup<bool, PromptRow> hasRoom = prompts.ToLookup(row => !(row.Prompt.Ids.Length >= most));
        foreach (PromptRow row in hasRoom[false])
            counts.Note(RowFate.NoAnswerPossible, row.Number);
        return hasRoom[true].Any() ? [.. hasRoom[true]] : throw counts.NothingLeft();
    }
}
