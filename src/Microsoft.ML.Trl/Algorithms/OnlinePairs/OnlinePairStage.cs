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
        var source = new StagePrompts(stage, options, options.Output, input);
        PairwiseJudge judged = _judge ?? Upstream(input.Schema) ?? throw NoJudge();
        source.Check(judged.Check);
        var held = new HeldReference(options.ReferenceModel);
        return FitSession.TrainPolicy(stage, options, input, options.Output, held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            AnswerJudge Judge(PromptRows rows) =>
                new(judged.Bind(rows.Context), judged.GivesScores ? "reward function" : "judge", model, rows.Rows);
            (PromptRows prompts, PromptRows? heldOut) = source.Rows(session, model);
            var hooks = SamplingHooks.Of(session, model, options.Generation);
            new OnlinePairLoop(method, options, model.Network, reference, Judge(prompts), hooks)
            {
                HeldOut = heldOut is null ? null : new HeldOutPairs(heldOut.Ids, Judge(heldOut)),
            }.Run(prompts.Ids, session.Cancel);
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
