namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What the stages have in common that learn from several completions of each prompt.</summary>
internal static class GroupStage
{
    /// <summary>Reads prompts and trains a copy of the starting model, with the starting model as reference.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Validated.</param>
    /// <param name="input">Carries policy and reward model where none were given.</param>
    /// <param name="given">Rewards; null = the nearest reward model upstream.</param>
    public static TextGenerationTransformer Fit(
        StageContext stage, GroupOptions options, IDataView input, IReadOnlyList<RewardFunction>? given)
    {
        ArgumentNullException.ThrowIfNull(input);
        IDataView data = stage.TrainingData ?? input;
        _ = new PromptReader(data, options.PromptColumnName, options.Conversations); // says what is missing before a model is loaded
        stage.StartModel(input);
        var rewards = new RewardSet(given ?? [UpstreamReward.Of(stage, input.Schema)], options.RewardWeights);
        rewards.Check(stage.Ml, data.Schema);
        HeldOutReader? heldOut = HeldOutReader.Open(stage, options, options.PromptColumnName, options.Conversations, rewards);
        return FitSession.TrainPolicy(stage, options, input, options.Output, options.Held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            using MultiTurnTools? tools = options.HasTurns ? new MultiTurnTools(options) : null;
            var reader = new PromptReader(data, options.PromptColumnName, options.Conversations) { Tools = tools?.Schemas };
            var counts = new RowCounts();
            List<PromptRow> prompts = reader.Read(model.Codec, counts, session.Cancel);
            session.Tell(counts);
            RewardScorer scorer = rewards.Bind(new RewardContext(stage.Ml, data, model.Tokenizer), model, prompts);
            var stops = new StopStrings(options.Generation.StopStrings, tokens => model.Tokenizer.Decode(tokens));
            var work = new GroupWork([.. prompts.Select(row => row.Prompt.Ids)], scorer, rewards.Weights)
            {
                Stop = stops.IsReached,
                HeldOut = heldOut?.Read(model, session),
                Rollout = tools is null ? null : new MultiTurnRollout(model, tools, prompts, new TypedRows(stage.Ml, data), options),
            };
            new GroupLoop(stage.Name, model.Network, options, options.Objective(), session.Progress).Run(work, reference, session.Cancel);
        });
    }
}
