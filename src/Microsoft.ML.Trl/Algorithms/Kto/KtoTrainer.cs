namespace Microsoft.ML.Trl;

/// <summary>
/// Kahneman-Tversky optimisation as an estimator: learns from completions that are wanted or not, one at a time. Made by
/// <see cref="TrlCatalog"/>.
/// </summary>
public sealed class KtoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly KtoOptions _options;

    internal KtoTrainer(StageContext stage, KtoOptions options) => (_stage, _options) = (stage, options.Validated());

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">
    /// Prompts with labelled completions, or with pairs; also what carries the policy where no source was given.
    /// </param>
    /// <inheritdoc cref="DpoTrainer.Fit"/>
    public TextGenerationTransformer Fit(IDataView input) => PreferenceStage.Fit(_stage, _options, input, _ => new KtoObjective(_options));

    /// <inheritdoc cref="DpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => PreferenceStage.Promise(_stage, _options, inputSchema);
}
