namespace Microsoft.ML.Trl;

/// <summary>
/// Exploratory preference optimisation as an estimator (arXiv:2405.21046): compares answers of the policy with those of the reference, and
/// is rewarded for leaving the latter. Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class XpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly OnlinePairStage _stage;

    internal XpoTrainer(StageContext stage, PairwiseJudge? judge, XpoOptions options) =>
        _stage = new OnlinePairStage(stage, judge, options.Validated(), new XpoMethod(options));

    /// <inheritdoc cref="OnlineDpoTrainer.Fit"/>
    public TextGenerationTransformer Fit(IDataView input) => _stage.Fit(input);

    /// <inheritdoc cref="OnlineDpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _stage.Promise(inputSchema);
}
