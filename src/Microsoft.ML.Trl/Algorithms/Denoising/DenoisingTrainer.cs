namespace Microsoft.ML.Trl;

/// <summary>
/// Supervised training of a diffusion model as an estimator: learns to draw the data's images of their prompts. Made by
/// <see cref="TrlCatalog"/>.
/// </summary>
public sealed class DenoisingTrainer : IEstimator<ImageGenerationTransformer>
{
    internal const string Stage = "Denoising";

    private readonly StageContext _stage;
    private readonly DenoiserConfig? _shape;
    private readonly DiffusionModel? _start;
    private readonly DenoisingOptions _options;

    internal DenoisingTrainer(StageContext stage, DenoiserConfig? shape, DiffusionModel? start, DenoisingOptions options)
    {
        (_stage, _shape, _start, _options) = (stage, shape?.Validated(), start, options.Validated());
        DdimScheduler.CheckSteps(
            options.Generation.NumInferenceSteps, (start?.Config ?? shape!).Schedule.NumTrainTimesteps,
            nameof(options.Generation.NumInferenceSteps));
    }

    /// <summary>Trains a fresh model, or a copy of the starting one; the data are read once.</summary>
    /// <param name="input">Images and prompts.</param>
    /// <returns>
    /// Owns the trained model. Evaluations see noise in the held-out images, with their prompts: <c>eval_loss</c>.
    /// </returns>
    /// <exception cref="ArgumentException">Columns or rows cannot be learnt from; the message names them.</exception>
    /// <exception cref="InvalidOperationException">The GPU asked for is not there.</exception>
    /// <exception cref="ObjectDisposedException">The starting model was disposed.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    /// <exception cref="TrainingFailedException">The progress callback failed; its Model is what was reached.</exception>
    public ImageGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        IReadOnlyList<ImageExample> examples = ImageReader.Read(_stage.TrainingData ?? input, _options, _start?.Config ?? _shape!);
        DenoiserConfig shape = _start?.Config ?? WithWords(_shape!, examples);
        CheckWords(shape, examples);
        IReadOnlyList<ImageExample>? heldOut = EvaluationRows.Read(
            EvaluationRows.Open(_options, data => data), (data, _) => ImageReader.Read(data, _options, shape), warn: _ => { });
        EvaluationRows.Check(() => CheckWords(shape, heldOut ?? []));
        return FitSession.TrainNetwork(
            _stage, _options.Training,
            device => _start?.Copy(device) ?? DiffusionModel.Create(shape, _options.Seed, device),
            (session, model) => new DenoisingLoop(model, _options, session.Progress) { HeldOut = heldOut }.Run(examples, session.Cancel),
            (model, reports) => new ImageGenerationTransformer(_stage.Ml, model, _options.Columns, _options.Generation, reports));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        if (_stage.TrainingData is null)
            InputColumns.RequireVector(inputSchema, _options.ImageColumnName, "image");
        return _options.Columns.Promise(_stage.Ml, inputSchema);
    }

    private static DenoiserConfig WithWords(DenoiserConfig shape, IReadOnlyList<ImageExample> examples) => shape.Words.Count > 0
        ? shape
        : shape with
        {
            Words = [.. examples.SelectMany(example => PromptWords.Split(example.Prompt)).Distinct().Order(StringComparer.Ordinal)],
        };

    private static void CheckWords(DenoiserConfig shape, IReadOnlyList<ImageExample> examples)
    {
        var words = new PromptWords(shape.Words);
        for (int row = 0; row < examples.Count; row++)
            if (words.Unknown(examples[row].Prompt) is { } word)
                throw new ArgumentException($"Row {row} cannot be learnt: {words.Complaint(examples[row].Prompt, word)}");
    }
}
