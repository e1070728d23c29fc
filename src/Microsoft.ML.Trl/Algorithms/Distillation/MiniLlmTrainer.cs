namespace Microsoft.ML.Trl;

/// <summary>
/// MiniLLM as an estimator: learns from a teacher by the reverse KL of what the student writes. Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class MiniLlmTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly DistillationStage _stage;
    private readonly MiniLlmOptions _options;

    internal MiniLlmTrainer(StageContext stage, ModelSource teacher, MiniLlmOptions options) =>
        (_stage, _options) = (new DistillationStage(stage, teacher), options.Validated());

    /// <summary>Trains a copy of the starting model; the data are read once, and the teacher stays as it is.</summary>
    /// <param name="input">Prompts; also what carries the student where no source was given.</param>
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
    public TextGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var reader = new PromptReader(_stage.DataOf(input), _options.PromptColumnName, _options.Conversations);
        return _stage.Fit(_options, input, maxLength: null, run =>
        {
            CancellationToken cancel = run.Fit.Cancel;
            List<DistillationRow> rows = run.Read(
                counts => DistillationReader.ReadPrompts(reader, run.Student.Codec, run.Limit, counts, cancel));
            new MiniLlmLoop(run.Student.Network, run.Teacher, _options, run.Fit.Progress)
            {
                EndTokens = run.EndTokens,
            }.Run([.. rows.Select(row => row.Prompt)], cancel);
        });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _stage.Promise(
        _options, inputSchema, shape => PromptReader.Require(shape, _options.PromptColumnName, _options.Conversations));
}
