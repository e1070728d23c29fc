namespace Microsoft.ML.Trl;

/// <summary>
/// Nash learning from human feedback by mirror descent as an estimator (arXiv:2312.00886): the policy plays against a mixture of itself and
/// the reference. Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class NashMdTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly OnlinePairStage _stage;

    internal NashMdTrainer(StageContext stage, PairwiseJudge? judge, NashMdOptions options) =>
        _stage = new OnlinePairStage(stage, judge, options.Validated(), new NashMdMethod(options));

    /// <inheritdoc cref="OnlineDpoTrainer.Fit"/>
    public TextGenerationTransformer Fit(IDataView input) => _stage.Fit(input);

    /// <inheritdoc cref="OnlineDpoTrainer.GetOutputSchema"/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _stage.Promise(inputSchema);
}
