namespace Microsoft.ML.Trl;

/// <summary>
/// Online DPO as an estimator (arXiv:2402.04792): answers every prompt twice, has the answers compared, and learns to write the better one.
/// Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class OnlineDpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly OnlinePairStage _stage;

    internal OnlineDpoTrainer(StageContext stage, PairwiseJudge? judge, OnlineDpoOptions options) =>
        _stage = new OnlinePairStage(stage, judge, options.Validated(), new OnlineDpoMethod(options));

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">Prompts; also what carries policy and reward model where none were given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be used, or options do not fit the model; the message names them.
    /// </exception>
    /// <exception cref="IOException">
    /// The source is a folder that is not there, or lacks a file; or a folder of the options (optimizer state, activations) is not there,
    /// or its disk full.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged, or a row's conversation cannot be rendered.</exception>
    /// <exception cref="NotSupportedException">The source's family, tokenizer or weights are of a kind that is not supported.</exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, no chat template for conversations, nothing that compares answers, the GPU asked for is missing, or
    /// a function of the options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="RewardFunctionException">Judge or reward threw or gave no verdict; its Model is what was reached.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input) => _stage.Fit(input);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from, or nothing that compares answers.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _stage.Promise(inputSchema);
}
