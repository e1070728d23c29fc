namespace Microsoft.ML.Trl;

/// <summary>
/// REINFORCE with a leave-one-out baseline as an estimator: answers each prompt several times and learns from how the completions compare.
/// Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class RlooTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly IReadOnlyList<RewardFunction>? _rewards;
    private readonly RlooOptions _options;

    internal RlooTrainer(StageContext stage, IReadOnlyList<RewardFunction>? rewards, RlooOptions options)
    {
        (_stage, _rewards, _options) = (stage, rewards, options.Validated());
        if (rewards is not null)
            _ = new RewardSet(rewards, options.RewardWeights); // says what does not fit before anything is fitted
    }

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">Prompts; also what carries policy and reward model where none were given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <inheritdoc cref="PpoTrainer.Fit" path="/exception"/>
    public TextGenerationTransformer Fit(IDataView input) =>
        GroupStage.Fit(_stage, _options, input, _rewards);

    /// <inheritdoc cref="PpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) =>
        PromptStage.Promise(_stage, _options.Output, inputSchema, _rewards is null ? UpstreamReward.Require : null);
}
