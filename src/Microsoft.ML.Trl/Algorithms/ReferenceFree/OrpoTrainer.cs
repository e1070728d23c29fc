namespace Microsoft.ML.Trl;

/// <summary>
/// Odds ratio preference optimisation as an estimator: learns to write the better of two, without a reference. Made by
/// <see cref="TrlCatalog"/>.
/// </summary>
public sealed class OrpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly OrpoOptions _options;

    internal OrpoTrainer(StageContext stage, OrpoOptions options) => (_stage, _options) = (stage, options.Validated());

    /// <summary>Trains a copy of the starting model; the data are read once.</summary>
    /// <inheritdoc cref="DpoTrainer.Fit"/>
    public TextGenerationTransformer Fit(IDataView input) => PreferenceStage.Fit(_stage, _options, input, new OrpoObjective(_options));

    /// <inheritdoc cref="DpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => PreferenceStage.Promise(_stage, _options, inputSchema);
}
