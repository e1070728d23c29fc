namespace Microsoft.ML.Trl;

/// <summary>
/// Distillation on the completions of the data as an estimator: learns a teacher's distributions. Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class DistillTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly DistillationStage _stage;
    private readonly DistillOptions _options;

    internal DistillTrainer(StageContext stage, ModelSource teacher, DistillOptions options) =>
        (_stage, _options) = (new DistillationStage(stage, teacher), options.Validated());

    /// <summary>Trains a copy of the starting model; the data are read once, and the teacher stays as it is.</summary>
    /// <param name="input">Prompts with completions; also what carries the student where no source was given.</param>
    /// <returns>Owns the trained student.</returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be used, options do not fit the student, or teacher and student have not the same tokens; the message names
    /// them.
    /// </exception>
    /// <exception cref="IOException">
    /// A source is a folder that is not there, or lacks a file; or a folder of the options (optimizer state, activations) is not there,
    /// or its disk full.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of a source is damaged, or a row's conversation cannot be rendered.</exception>
    /// <exception cref="NotSupportedException">
    /// A source's family, tokenizer or weights are of a kind that is not supported; or the student is an encoder-decoder, and the options
    /// ask for what those lack.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, it has no chat template for conversations, the GPU asked for is not there, or a function of the
    /// options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input) => _stage.Fit(_options, input, run =>
        new DistillLoop(run.Student.Network, run.Teacher, _options, run.Fit.Progress) { HeldOut = run.Rows.HeldOut }
            .Run(run.Rows.Training, run.Fit.Cancel));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) =>
        _stage.Promise(_options, inputSchema, shape => DistillationReader.Require(shape, _options));
}
