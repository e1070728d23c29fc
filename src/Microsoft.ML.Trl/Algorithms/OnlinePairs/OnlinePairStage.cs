namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>What the stages have in common that learn from pairs of their own answers: the data, the models, and what comes out.</summary>
/// <param name="stage">The stage and its start model.</param>
/// <param name="judge">Compares answers; null = the nearest reward model upstream does.</param>
/// <param name="options">Validated.</param>
/// <param name="method">Draws the second answers and makes the loss.</param>
internal sealed class OnlinePairStage(StageContext stage, PairwiseJudge? judge, OnlinePairOptions options, IOnlinePairMethod method)
{
    private readonly PairwiseJudge? _judge = Fitting(judge, options);

    /// <summary>Reads prompts and trains a copy of the starting model.</summary>
    public TextGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        IDataView data = stage.TrainingData ?? input;
        var reader = new PromptReader(data, options.PromptColumnName, options.Conversations);
        stage.StartModel(input);
        PairwiseJudge judged = _judge ?? Upstream(input.Schema) ?? throw NoJudge();
        judged.Check(stage.Ml, data.Schema);
        HeldOutReader? heldOut = HeldOutReader.Open(stage, options, options.PromptColumnName, options.Conversations, judged.Check);
        var held = new HeldReference(options.ReferenceModel);
        return FitSession.TrainPolicy(stage, options, input, options.Output, held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            var counts = new RowCounts();
            List<PromptRow> prompts = reader.Read(model.Codec, counts, session.Cancel);
            session.Tell(counts);
            AnswerJudge Judge(RewardContext context, IReadOnlyList<PromptRow> rows) =>
                new(judged.Bind(context), judged.GivesScores ? "reward function" : "judge", model, rows);
            AnswerJudge judge = Judge(new RewardContext(stage.Ml, data, model.Tokenizer), prompts);
            HeldOutPairs? evaluated = null;
            if (heldOut?.Rows(model, session) is ({ } rows, { } context))
                evaluated = new HeldOutPairs([.. rows.Select(row => row.Prompt.Ids)], Judge(context, rows));
            var stops = new StopStrings(options.Generation.StopStrings, tokens => model.Tokenizer.Decode(tokens));
            var hooks = new SamplingHooks(session.Progress, session.Warn, stops.IsReached, model.Tokenizer);
            new OnlinePairLoop(method, options, model.Network, reference, judge, hooks) { HeldOut = evaluated }
                .Run([.. prompts.Select(row => row.Prompt.Ids)], session.Cancel);
        });
    }

    /// <summary>The columns that the fitted stage promises, where the pipeline before it promises those that training reads.</summary>
    public SchemaShape Promise(SchemaShape inputSchema) =>
        PromptStage.Promise(stage, options.Output, inputSchema, _judge is null ? RequireUpstream : null);

    private void RequireUpstream(StageContext asked, SchemaShape shape)
    {
        if (ModelHandle.PromisedColumn(shape, ModelHandle.RewardKind) is null)
            throw NoJudge();
    }

    private static PairwiseJudge? Fitting(PairwiseJudge? judge, OnlinePairOptions options) =>
        options.MissingEosPenalty is not { } penalty || judge is null or { GivesScores: true } ? judge
        : throw new ArgumentException(
            FormattableString.Invariant($"MissingEosPenalty ({penalty}) is taken off scores, but a judge that gives none compares the ")
            + "answers; leave it null, or give a reward.", nameof(options));

    private static PairwiseJudge? Upstream(DataViewSchema schema) =>
        ModelHandle.Nearest<TextRewardModel>(schema, ModelHandle.RewardKind) is { } model
            ? PairwiseJudge.FromReward(RewardFunction.FromModel(model))
            : null;

    private InvalidOperationException NoJudge() => new(
        $"{stage.Name} has nothing that compares answers: neither a judge nor a reward was given, and no stage upstream trains a reward "
        + "model. Pass a PairwiseJudge or a RewardFunction, or append the stage to a RewardModel stage.");
}
