namespace Microsoft.ML.Trl;

/// <summary>
/// Iterative DPO as an estimator (LMFlow's <c>IterativeDPOAligner</c>): in each iteration the policy answers prompts several times, a
/// reward scores the answers, and DPO learns from pairs of them. Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class IterativeDpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly RewardFunction? _reward;
    private readonly IterativeDpoOptions _options;

    internal IterativeDpoTrainer(StageContext stage, RewardFunction? reward, IterativeDpoOptions options)
    {
        (_stage, _reward, _options) = (stage, reward, options.Validated());
        if (stage.Reference is not null && options.Dpo.ReferenceFree)
            throw new ArgumentException("A reference was given, but ReferenceFree does without one; set it to false.", nameof(options));
    }

    /// <summary>Trains a copy of the starting model; the data are read once.</summary>
    /// <param name="input">Prompts; also what carries policy and reward model where none were given.</param>
    /// <returns>Owns the trained model.</returns>
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
    /// There is no model to start from, no chat template for conversations, no reward, the GPU asked for is missing, or
    /// a function of the options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="RewardFunctionException">
    /// The reward function threw, gave no finite number, or equal ones to all answers of every prompt; its Model is what was reached.
    /// </exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input)
    {
        DpoOptions dpo = _options.Dpo;
        var source = new StagePrompts(_stage, dpo, dpo.Output, input);
        var rewards = new RewardSet([_reward ?? UpstreamReward.Of(_stage, input.Schema)]);
        source.Check(rewards.Check);
        return FitSession.TrainPolicy(_stage, dpo, input, dpo.Output, dpo.Held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            string[] unused = [.. _options.WithoutEffect()];
            if (unused.Length > 0)
                session.Warn($"Options without effect in this run: {string.Join("; ", unused)}.");
            int limit = session.LimitLength(dpo.MaxLength, model.Network.Config);
            RunPrompts prompts = source.Read(session, model, rewards);
            var hooks = SamplingHooks.Of(session, model, _options.Generation);
            new IterativeDpoLoop(model.Network, reference, _options.Within(limit), prompts.Training.Scorer, hooks)
            {
                HeldOut = prompts.HeldOut,
            }.Run(prompts.Training.Prompts, session.Cancel);
        });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from, or no reward.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) =>
        PromptStage.Promise(_stage, _options.Dpo.Output, inputSchema, _reward is null ? UpstreamReward.Require : null);
}
