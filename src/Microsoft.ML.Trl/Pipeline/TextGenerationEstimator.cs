using Microsoft.ML.Trl.Pipeline;

namespace Microsoft.ML.Trl;

/// <summary>Makes a transformer of a language model without training it. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class TextGenerationEstimator : IEstimator<TextGenerationTransformer>
{
    private readonly MLContext _ml;
    private readonly ModelSource _source;
    private readonly PolicyOutput _output;
    private readonly DeviceChoice _device;
    private readonly WeightQuantization _quantization;

    internal TextGenerationEstimator(MLContext ml, ModelSource source, PolicyOutput output, bool bf16, WeightQuantization quantization)
    {
        Require.Known(quantization);
        _quantization = quantization;
        output.Generation?.ValidatedForOne("a column of completions");
        Require.Named(output.OutputColumnName, "outputColumnName");
        Require.Named(output.PromptColumnName, "promptColumnName");
        output.Conversations?.Validated();
        (_ml, _source, _output, _device) = (ml, source, output, new DeviceChoice(false, null, null, bf16));
    }

    /// <summary>Opens the model.</summary>
    /// <param name="input">Has the prompts.</param>
    /// <returns>Owns a model of its own.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The column of prompts is missing or of another type.</exception>
    /// <exception cref="ArgumentException">The source holds no language model.</exception>
    /// <exception cref="IOException">The source is a folder that is not there, or lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged.</exception>
    /// <exception cref="NotSupportedException">
    /// The source's family, tokenizer or weights are of a kind that is not supported, or weights are quantized on a GPU.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The GPU that the context asks for is not there, or prompts are conversations and the model has no chat template.
    /// </exception>
    public TextGenerationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        InputColumns.Text(input.Schema, _output.PromptColumnName, "prompt");
        TemplateColumns.Of(input.Schema, _output.Conversations);
        var host = new ComponentHost(_ml, "TRL text generation");
        Placement place = _device.Resolve(ContextSettings.Of(_ml), text => host.Warn("Fit", text));
        QuantizedWeights.Check(place.Device, _quantization);
        using var model = new OwnershipGuard<LanguageModel>(_source.OpenPolicy(place with { Quantization = _quantization }));
        model.Value.Codec.Rows(_output.Conversations is not null); // fails before the model is handed over
        return _output.Transformer(_ml, model.Release(), []);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        InputColumns.RequireText(inputSchema, _output.PromptColumnName, "prompt");
        TemplateColumns.Require(inputSchema, _output.Conversations);
        return _output.Promise(_ml, inputSchema);
    }
}
