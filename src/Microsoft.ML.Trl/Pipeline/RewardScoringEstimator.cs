using Microsoft.ML.Trl.Pipeline;

namespace Microsoft.ML.Trl;

/// <summary>Makes a transformer of a reward model without training it. Made by <see cref="TrlCatalog"/>.</summary>
public sealed class RewardScoringEstimator : IEstimator<RewardTransformer>
{
    private readonly MLContext _ml;
    private readonly ModelSource _source;
    private readonly RewardOutput _output;
    private readonly DeviceChoice _device;

    internal RewardScoringEstimator(MLContext ml, ModelSource source, RewardOutput output, bool bf16)
    {
        Require.Named(output.OutputColumnName, "outputColumnName");
        Require.Named(output.CompletionColumnName, "completionColumnName");
        if (output.PromptColumnName is { } prompt)
            Require.Named(prompt, "promptColumnName");
        output.Conversations?.Validated();
        (_ml, _source, _output) = (ml, source, output);
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
    /// <exception cref="InvalidOperationException">
    /// The GPU that the context asks for is not there, or prompts are conversations and the model has no chat template.
    /// </exception>
    public RewardTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (_output.PromptColumnName is { } prompt)
            InputColumns.Text(input.Schema, prompt, "prompt");
        TemplateColumns.Of(input.Schema, _output.Conversations);
        var host = new ComponentHost(_ml, "TRL reward model");
        Placement place = _device.Resolve(ContextSettings.Of(_ml), text => host.Warn("Fit", text));
        using var model = new OwnershipGuard<TextRewardModel>(_source.OpenReward(place, headSeed: null));
        model.Value.Codec.Rows(_output.Conversations is not null); // fails before the model is handed over
        return new RewardTransformer(_ml, model.Release(), _output, []);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        if (_output.PromptColumnName is { } prompt)
            InputColumns.RequireText(inputSchema, prompt, "prompt");
        TemplateColumns.Require(inputSchema, _output.Conversations);
        return PromisedColumns.WithNumber(_ml, inputSchema, _output.OutputColumnName, ModelHandle.RewardKind);
    }
}
