namespace Microsoft.ML.Trl;

/// <summary>
/// REINFORCE with a leave-one-out baseline as an estimator: answers each prompt several times and learns from how the completions compare.
/// Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class RlooTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly GroupStage _stage;

    internal RlooTrainer(StageContext stage, IReadOnlyList<RewardFunction>? rewards, RlooOptions options) =>
        _stage = new GroupStage(stage, rewards, options.Validated());

    /// <inheritdoc cref="GrpoTrainer.Fit"/>
    public TextGenerationTransformer Fit(IDataView input) => _stage.Fit(input);

    /// <inheritdoc cref="GrpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _stage.Promise(inputSchema);
}
