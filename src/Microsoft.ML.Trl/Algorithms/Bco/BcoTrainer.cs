namespace Microsoft.ML.Trl;

/// <summary>
/// Binary classifier optimisation as an estimator: learns from completions that are wanted or not, as a classifier of them. Made by
/// <see cref="TrlCatalog"/>.
/// </summary>
public sealed class BcoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly BcoOptions _options;

    internal BcoTrainer(StageContext stage, BcoOptions options) => (_stage, _options) = (stage, options.Validated());

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">
    /// Prompts with labelled completions, or with pairs; also what carries the policy where no source was given.
    /// </param>
    /// <inheritdoc cref="DpoTrainer.Fit"/>
    public TextGenerationTransformer Fit(IDataView input) => PreferenceStage.Fit(
        _stage, _options, input, rows => new BcoObjective(
            _options, _options.PromptEmbeddingColumnName is null ? null : PromptDensity.Weights(rows, _options)));

    /// <inheritdoc cref="DpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => PreferenceStage.Promise(_stage, _options, inputSchema);
}
