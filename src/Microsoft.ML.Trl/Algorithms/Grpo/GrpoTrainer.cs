namespace Microsoft.ML.Trl;

/// <summary>
/// Group relative policy optimisation as an estimator: answers each prompt several times and learns from how the completions compare.
/// Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class GrpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly GroupStage _stage;

    internal GrpoTrainer(StageContext stage, IReadOnlyList<RewardFunction>? rewards, GrpoOptions options) =>
        _stage = new GroupStage(stage, rewards, options.Validated());

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">Prompts; also what carries policy and reward model where none were given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <inheritdoc cref="PpoTrainer.Fit" path="/exception"/>
    public TextGenerationTransformer Fit(IDataView input) => _stage.Fit(input);

    /// <inheritdoc cref="PpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _stage.Promise(inputSchema);
}
