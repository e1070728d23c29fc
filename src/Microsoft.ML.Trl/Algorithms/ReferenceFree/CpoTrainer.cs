namespace Microsoft.ML.Trl;

/// <summary>
/// Contrastive preference optimisation as an estimator, with SimPO and AlphaPO among its losses: learns to write the better of two, without
/// a reference. Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class CpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly CpoOptions _options;

    internal CpoTrainer(StageContext stage, CpoOptions options) => (_stage, _options) = (stage, options.Validated());

    /// <summary>Trains a copy of the starting model; the data are read once.</summary>
    /// <inheritdoc cref="DpoTrainer.Fit"/>
    public TextGenerationTransformer Fit(IDataView input) => PreferenceStage.Fit(_stage, _options, input, new CpoObjective(_options));

    /// <inheritdoc cref="DpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => PreferenceStage.Promise(_stage, _options, inputSchema);
}
