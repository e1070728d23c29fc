namespace Microsoft.ML.Trl;

/// <summary>PPO as an estimator: answers prompts and learns from the scores of its answers. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class PpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly RewardFunction? _reward;
    private readonly PpoOptions _options;

    internal PpoTrainer(StageContext stage, RewardFunction? reward, PpoOptions options) =>
        (_stage, _reward, _options) = (stage, reward, options.Validated());

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">Prompts; also what carries policy and reward model where none were given.</param>
    /// <returns>Owns the trained model and its critic.</returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be used, or options do not fit the model; the message names them.
    /// </exception>
    /// <exception cref="IOException">
    /// The source is a folder that is not there, or lacks a file; or a folder of the options (optimizer state, activations) is not there,
    /// or its disk full.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged, or a row's conversation cannot be rendered.</exception>
    /// <exception cref="NotSupportedException">The source's family, tokenizer or weights are of a kind that is not supported.</exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, no chat template for conversations, no reward, the GPU asked for is missing, or a function of the
    /// options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="RewardFunctionException">The reward function threw or gave no finite number; Model is what was reached.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input)
    {
        var source = new StagePrompts(_stage, _options, _options.Output, input);
        var rewards = new RewardSet([_reward ?? UpstreamReward.Of(_stage, input.Schema)]);
        source.Check(rewards.Check);
        var held = new HeldReference(_options.ReferenceModel);
        return FitSession.TrainPolicy(_stage, _options, input, _options.Output, held, (session, model, reference) =>
        {
            RunPrompts prompts = source.Read(session, model, rewards);
            if (model.ValueHead is null)
                model.ReplaceCritic(FreshCritic.Of(model.Network, _options));
            using var ppo = new PpoSession(model.Network, _options, model.ValueHead, reference);
            var loop = new PpoLoop(
                ppo, prompts.Training.Scorer, _options, session.Progress, session.Warn, model.StopRule(_options.Generation))
            {
                HeldOut = prompts.HeldOut,
            };
            loop.Run(prompts.Training.Prompts, session.Cancel);
        });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from, or no reward.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) =>
        PromptStage.Promise(_stage, _options.Output, inputSchema, _reward is null ? UpstreamReward.Require : null);
}
