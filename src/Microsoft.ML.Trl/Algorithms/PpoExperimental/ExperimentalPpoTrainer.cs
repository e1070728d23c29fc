namespace Microsoft.ML.Trl;

/// <summary>
/// PPO with a value model of its own as an estimator: answers prompts and learns from the scores of its answers. Made by
/// <see cref="TrlCatalog"/>.
/// </summary>
/// <remarks>TRL's experimental PPO (v1.9.0). <see cref="PpoTrainer"/> has its critic on the policy's own states instead.</remarks>
public sealed class ExperimentalPpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly RewardFunction? _reward;
    private readonly ModelSource? _rewardModel, _valueModel;
    private readonly ExperimentalPpoOptions _options;

    internal ExperimentalPpoTrainer(StageContext stage, RewardFunction? reward, ModelSource? valueModel, ExperimentalPpoOptions options) =>
        (_stage, _reward, _valueModel, _options) = (stage, reward, valueModel, options.Validated());

    internal ExperimentalPpoTrainer(StageContext stage, ModelSource rewardModel, ModelSource? valueModel, ExperimentalPpoOptions options)
        : this(stage, (RewardFunction?)null, valueModel, options) => _rewardModel = rewardModel;

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">Prompts; also what carries policy and reward model where none were given.</param>
    /// <returns>
    /// Owns the trained policy. The value model is disposed. Evaluations answer each held-out prompt once: <c>eval_reward</c>, without the
    /// penalty of responses that were cut.
    /// </returns>
    /// <inheritdoc cref="PpoTrainer.Fit" path="/exception"/>
    public TextGenerationTransformer Fit(IDataView input)
    {
        var source = new StagePrompts(_stage, _options, _options.Output, input);
        RewardFunction? given = _reward ?? (_rewardModel is null ? UpstreamReward.Of(_stage, input.Schema) : null);
        source.Check(given is null ? null : given.Check);
        var held = new HeldReference(_options.ReferenceModel);
        return FitSession.TrainPolicy(_stage, _options, input, _options.Output, held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            using Borrowed<TextRewardModel>? scoring = OpenReward(session.Placement);
            RewardFunction reward = given ?? RewardFunction.FromModel(scoring!.Model);
            RunPrompts prompts = source.Read(session, model, new RewardSet([reward]));
            using TextRewardModel value = OpenValue(session.Placement, model, reward.Model);
            var work = new EpisodeWork(
                prompts.Training.Prompts, prompts.Training.Scorer, Stop: model.StopRule(_options.Generation)) { HeldOut = prompts.HeldOut };
            new EpisodeLoop(model.Network, value.Network, _options, session.Progress).Run(work, reference, session.Cancel);
        });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from, or no reward.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) =>
        PromptStage.Promise(_stage, _options.Output, inputSchema, _reward is null && _rewardModel is null ? UpstreamReward.Require : null);

    private Borrowed<TextRewardModel>? OpenReward(Placement place) => _rewardModel is not { } source ? null
        : source.SharedReward() ?? Borrowed<TextRewardModel>.Own(source.OpenReward(place, headSeed: null));

    /// <summary>
    /// The value model before training: the one given, else a copy of the reward model, else the policy with a new head.
    /// </summary>
    private TextRewardModel OpenValue(Placement place, LanguageModel policy, TextRewardModel? reward)
    {
        if (_valueModel is null && reward is null)
            return new(RewardModel.FromPolicy(policy.Network, _options.Seed, policy.Tokenizer.EosTokenId), policy.Tokenizer);
        using var value = new OwnershipGuard<TextRewardModel>(
            (_valueModel ?? ModelSource.FromModel(reward!)).OpenReward(place, _options.Seed));
        return policy.Tokenizer.IsReadBy(value.Value.Tokenizer) ? value.Release() : throw new ArgumentException(
            $"The value model{(_valueModel is null ? ", which starts from the reward model," : "")} has another tokenizer than the policy, "
            + "whose tokens it must read; give a valueModel that has the policy's, such as the policy itself.");
    }
}
