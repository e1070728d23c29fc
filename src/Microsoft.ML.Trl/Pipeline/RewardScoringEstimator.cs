using Microsoft.ML.Trl.Pipeline;

namespace Microsoft.ML.Trl;

/// <summary>Makes a transformer of a reward model without training it. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class RewardScoringEstimator : IEstimator<RewardTransformer>
{
    private readonly MLContext _ml;
    private readonly ModelSource _source;
    private readonly string _output;
    private readonly string? _prompt;
    private readonly string _completion;
    private readonly DeviceChoice _device;

    internal RewardScoringEstimator(MLContext ml, ModelSource source, string output, string? prompt, string completion, bool bf16)
    {
        Require.Named(output, "outputColumnName");
        Require.Named(completion, "completionColumnName");
        if (prompt is not null)
            Require.Named(prompt, "promptColumnName");
        (_ml, _source, _output, _prompt, _completion) = (ml, source, output, prompt, completion);
        _device = new DeviceChoice(false, null, null, bf16);
    }

    /// <summary>Opens the model.</summary>
    /// <param name="input">Has the prompts, where they are read; completions may come later in the pipeline.</param>
    /// <returns>Owns a model of its own.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The column of prompts is missing or of another type.</exception>
    /// <exception cref="ArgumentException">The source holds no reward model.</exception>
    /// <exception cref="IOException">The source is a folder that is not there, or lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged.</exception>
    /// <exception cref="NotSupportedException">The source's family, tokenizer or weights are of a kind that is not supported.</exception>
    /// <exception cref="InvalidOperationException">The GPU that the context asks for is not there.</exception>
    public RewardTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (_prompt is not null)
            InputColumns.Text(input.Schema, _prompt, "prompt");
        var host = new ComponentHost(_ml, "TRL reward model");
        Placement place = _device.Resolve(ContextSettings.Of(_ml), text => host.Warn("Fit", text));
        return new RewardTransformer(_ml, _source.OpenReward(place, headSeed: null), _output, _prompt, _completion, []);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        if (_prompt is not null)
            InputColumns.RequireText(inputSchema, _prompt, "prompt");
        return PromisedColumns.WithNumber(_ml, inputSchema, _output, ModelHandle.RewardKind);
    }
}
