namespace Microsoft.ML.Trl;

/// <summary>Makes a transformer of a diffusion model without training it. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class ImageGenerationEstimator : IEstimator<ImageGenerationTransformer>
{
    private readonly MLContext _ml;
    private readonly DiffusionModel _model;
    private readonly ImageColumns _columns;
    private readonly ImageGenerationOptions _generation;

    internal ImageGenerationEstimator(MLContext ml, DiffusionModel model, ImageColumns columns, ImageGenerationOptions generation)
    {
        columns.Check();
        ArgumentNullException.ThrowIfNull(model);
        (_ml, _model, _columns, _generation) = (ml, model, columns, generation.Validated());
        DdimScheduler.CheckSteps(generation.NumInferenceSteps, model.Schedule.Length, nameof(generation.NumInferenceSteps));
    }

    /// <summary>Copies the model.</summary>
    /// <param name="input">Has the prompts.</param>
    /// <returns>Owns a model of its own.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The prompt column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">The GPU that the context asks for is not there.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ImageGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        InputColumns.Text(input.Schema, _columns.PromptColumnName, "prompt");
        var host = new ComponentHost(_ml, ImageGenerationTransformer.HostName);
        var device = new DeviceChoice(false, null, null, false);
        Placement place = device.Resolve(ContextSettings.Of(_ml), text => host.Warn("Fit", text));
        return new ImageGenerationTransformer(_ml, _model.Copy(place.Device), _columns, _generation, []);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such column; the message names it.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return _columns.Promise(_ml, inputSchema);
    }
}
