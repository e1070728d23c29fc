namespace Microsoft.ML.Trl;

/// <summary>
/// Denoising diffusion policy optimization (arXiv:2305.13301) as an estimator: a diffusion model learns to draw images that a reward likes.
/// Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class DdpoTrainer : IEstimator<ImageGenerationTransformer>
{
    internal const string Stage = "DDPO";

    private readonly StageContext _stage;
    private readonly DiffusionModel? _start;
    private readonly ImageReward _reward;
    private readonly DdpoOptions _options;

    internal DdpoTrainer(StageContext stage, DiffusionModel? start, ImageReward reward, DdpoOptions options)
    {
        (_stage, _start, _reward, _options) = (stage, start, reward, options.Validated());
        if (start is not null)
            DdpoSession.CheckFit(start.Config, options);
    }

    /// <summary>Trains a copy of the starting model; the prompts are read once.</summary>
    /// <param name="input">Prompts; also what carries the model where none was given.</param>
    /// <returns>
    /// Owns the trained model. Evaluations draw an image of each held-out prompt as the fitted stage would: <c>eval_reward_mean</c>.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// Column or prompts cannot be used, or options do not fit the model; the message names them.
    /// </exception>
    /// <exception cref="InvalidOperationException">There is no model to start from, or the GPU asked for is not there.</exception>
    /// <exception cref="ObjectDisposedException">The starting model was disposed.</exception>
    /// <exception cref="RewardFunctionException">The reward failed; its Model is what was reached.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    /// <exception cref="TrainingFailedException">The progress callback failed; its Model is what was reached.</exception>
    public ImageGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        DiffusionModel start = _start ?? ModelHandle.Nearest<DiffusionModel>(input.Schema, ModelHandle.DenoiserKind) ?? throw NoModel();
        DdpoSession.CheckFit(start.Config, _options);
        List<string> prompts = Prompts(_stage.TrainingData ?? input, start.Words);
        IReadOnlyList<string>? heldOut = EvaluationRows.Read(
            EvaluationRows.Open(_options, data => data), (data, _) => Prompts(data, start.Words), warn: _ => { });
        return FitSession.TrainNetwork(
            _stage, _options.Training,
            start.Copy,
            (session, model) => new DdpoLoop(model, _reward, _options, session.Progress) { HeldOut = heldOut }.Run(prompts, session.Cancel),
            (model, reports) => new ImageGenerationTransformer(_stage.Ml, model, _options.Columns, _options.Generation, reports));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such column; the message names it.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        if (_start is null && ModelHandle.PromisedColumn(inputSchema, ModelHandle.DenoiserKind) is null)
            throw NoModel();
        return _options.Columns.Promise(_stage.Ml, inputSchema);
    }

    private static InvalidOperationException NoModel() => new(
        "DDPO has no model to start from: none was given, and no stage upstream makes a diffusion model. Pass a DiffusionModel, or append "
        + "DDPO to Denoising or ImageGeneration. (SelectColumns and DropColumns lose the model with the column that carries it.)");

    private List<string> Prompts(IDataView data, PromptWords words)
    {
        var column = InputColumns.Text(data.Schema, _options.PromptColumnName, "prompt");
        var prompts = new List<string>();
        foreach (TextRow row in RowReader.Read(data, [column]))
            prompts.Add(words.Unknown(row.Texts[0]) is { } word
                ? throw new ArgumentException($"Row {row.Number} cannot be drawn: {words.Complaint(row.Texts[0], word)}")
                : row.Texts[0]);
        return prompts.Count > 0 ? prompts : throw new RowCounts().NothingLeft();
    }
}
