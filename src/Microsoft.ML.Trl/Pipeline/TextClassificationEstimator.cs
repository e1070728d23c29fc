namespace Microsoft.ML.Trl;

/// <summary>Makes a transformer of a classifier without training it. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class TextClassificationEstimator : IEstimator<TextClassificationTransformer>
{
    private readonly MLContext _ml;
    private readonly ModelSource _source;
    private readonly ClassifierOutput _output;
    private readonly DeviceChoice _device;

    internal TextClassificationEstimator(MLContext ml, ModelSource source, ClassifierOutput output, bool bf16)
    {
        output.Check();
        (_ml, _source, _output, _device) = (ml, source, output, new DeviceChoice(false, null, null, bf16));
    }

    /// <summary>Opens the model.</summary>
    /// <param name="input">Has the texts.</param>
    /// <returns>Owns a model of its own.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The column of texts is missing or of another type.</exception>
    /// <exception cref="ArgumentException">The source holds no classifier.</exception>
    /// <exception cref="IOException">The source is a folder that is not there, or lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged.</exception>
    /// <exception cref="NotSupportedException">The source's family, tokenizer or weights are of a kind that is not supported.</exception>
    /// <exception cref="InvalidOperationException">The GPU that the context asks for is not there.</exception>
    public TextClassificationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        InputColumns.Text(input.Schema, _output.TextColumnName, "text");
        var host = new ComponentHost(_ml, TextClassificationTransformer.HostName);
        Placement place = _device.Resolve(ContextSettings.Of(_ml), text => host.Warn("Fit", text));
        return new TextClassificationTransformer(_ml, _source.OpenClassifier(place, null), _output, []);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        InputColumns.RequireText(inputSchema, _output.TextColumnName, "text");
        return PromisedColumns.WithLabels(_ml, inputSchema, _output);
    }
}
