namespace Microsoft.ML.Trl;

/// <summary>
/// Reward-ranked fine-tuning as an estimator: answers prompts, learns the answers of highest reward, and begins anew. Made by
/// <see cref="TrlCatalog"/>.
/// </summary>
public sealed class RaftTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly IReadOnlyList<RewardFunction>? _rewards;
    private readonly RaftOptions _options;

    internal RaftTrainer(StageContext stage, IReadOnlyList<RewardFunction>? rewards, RaftOptions options)
    {
        (_stage, _rewards, _options) = (stage, rewards, options.Validated());
        if (rewards is not null)
            _ = new RewardSet(rewards, options.RewardWeights); // says what does not fit before anything is fitted
    }

    /// <summary>Trains a copy of the starting model; the data are read once.</summary>
    /// <param name="input">Prompts; also what carries policy and reward model where none were given.</param>
    /// <returns>
    /// Owns the trained model. Reports in which an iteration began carry its mean rewards, of all completions and of the selected ones, as
    /// <c>reward</c> and <c>reward_selected</c>, and the share of different ones among pairs of neighbouring words, as <c>distinct_2</c>:
    /// where it falls while rewards rise, the reward is being exploited. Evaluations answer each held-out prompt once, as the options'
    /// Generation says, and clean the answers as those that are learnt: <c>eval_reward</c>, and the mean of each reward.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be used, or options do not fit the model; the message names them.
    /// </exception>
    /// <exception cref="IOException">
    /// The source is a folder that is not there, or lacks a file; or a folder of the options (output, optimizer state, activations) is not
    /// there and cannot be made, or its disk is full.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">The options name files that must not be written.</exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged, or a row's conversation cannot be rendered.</exception>
    /// <exception cref="NotSupportedException">The source's family, tokenizer or weights are of a kind that is not supported.</exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, no chat template for conversations, no reward, no completion that can be learnt, the GPU asked for
    /// is missing, or a function of the options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="RewardFunctionException">The reward function threw or gave no finite number; Model is what was reached.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    /// <exception cref="TrainingFailedException">A later step failed; its Model is what was reached.</exception>
    public TextGenerationTransformer Fit(IDataView input)
    {
        var source = new StagePrompts(_stage, _options, _options.Output, input);
        var rewards = new RewardSet(_rewards ?? [UpstreamReward.Of(_stage, input.Schema)], _options.RewardWeights);
        source.Check(rewards.Check);
        return FitSession.TrainPolicy(_stage, _options, input, _options.Output, HeldReference.Usual, (session, model, _) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            if (!_options.CompletionOnlyLoss)
                model.Codec.RequireNoEncoder("CompletionOnlyLoss is false, and the encoder predicts nothing", "set it to true");
            RunPrompts prompts = source.Read(session, model, rewards, evaluated => new PromptReading
            {
                Keep = ShortEnough,
                Rollout = evaluated ? (rows, _) => new CleanedAnswers(rows, new CompletionCleaner(model, _options)) : null,
            });
            var work = new RaftWork(model, prompts.Rows, prompts.Training.Scorer, rewards.Weights) { HeldOut = prompts.HeldOut };
            new RaftLoop(work, _options, session.Progress).Run(session.Cancel);
        });
    }

    /// <inheritdoc cref="PpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) =>
        PromptStage.Promise(_stage, _options.Output, inputSchema, _rewards is null ? UpstreamReward.Require : null);

    private List<PromptRow> ShortEnough(List<PromptRow> prompts, RowCounts counts)
    {
        foreach (PromptRow tooLong in prompts.Where(prompt => prompt.Prompt.Ids.Length > _options.MaxPromptLength))
            counts.Note(RowFate.PromptAboveLimit, tooLong.Number);
        List<PromptRow> kept = [.. prompts.Where(prompt => !(prompt.Prompt.Ids.Length > _options.MaxPromptLength))];
        return kept.Count > 0 ? kept : throw counts.NothingLeft();
    }
}
