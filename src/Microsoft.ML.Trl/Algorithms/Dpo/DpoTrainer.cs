namespace Microsoft.ML.Trl;

/// <summary>Direct preference optimisation as an estimator: learns to write the better of two. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class DpoTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly StageContext _stage;
    private readonly DpoOptions _options;

    internal DpoTrainer(StageContext stage, DpoOptions options)
    {
        (_stage, _options) = (stage, options.Validated());
        if (stage.Reference is not null && options.ReferenceFree)
            throw new ArgumentException("A reference was given, but ReferenceFree does without one; set it to false.", nameof(options));
    }

    /// <summary>Trains a copy of the starting model, with the starting model as reference; the data are read once.</summary>
    /// <param name="input">Prompts with pairs; also what carries the policy where no source was given.</param>
    /// <returns>Owns the trained model.</returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be learnt from, or options do not fit the model; the message names them.
    /// </exception>
    /// <exception cref="IOException">
    /// The source is a folder that is not there, or lacks a file; or a folder of the options (optimizer state, activations) is not there,
    /// or its disk full.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged, or a row's conversation cannot be rendered.</exception>
    /// <exception cref="NotSupportedException">The source's family, tokenizer or weights are of a kind that is not supported.</exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, it has no chat template for conversations, the GPU asked for is not there, or a function of the
    /// options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input) => PreferenceStage.Fit(
        _stage, _options, input,
        (policy, reference, limit, rows, session) =>
            new DpoLoop(policy, reference, _options with { MaxLength = limit }, session.Progress) { HeldOut = rows.HeldOut }
                .Run(rows.Training, session.Cancel));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => PreferenceStage.Promise(_stage, _options, inputSchema);
}
