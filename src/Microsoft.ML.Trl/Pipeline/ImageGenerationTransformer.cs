using Microsoft.Data.Analysis;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl;

/// <summary>Draws an image for each prompt: text → vector of pixels. Lazy, batched. Owns its model.</summary>
/// <remarks>
/// An image is a vector of [channels, height, width] numbers in [0, 1], and a function of model, options and prompt: equal prompts give
/// equal images. <see cref="DiffusionModel.Generate"/> draws several of one prompt. A prompt with a word that the model does not know gets
/// NaNs, and the log a warning.
/// </remarks>
public sealed class ImageGenerationTransformer : ITransformer, IDisposable
{
    internal const string HostName = "TRL image generation";

    internal ImageGenerationTransformer(
        IHostEnvironment env, DiffusionModel model, ImageColumns columns, ImageGenerationOptions generation,
        IReadOnlyList<StepReport> reports)
    {
        Host = new ComponentHost(env, HostName);
        (Model, Columns, Generation, Reports) = (model, columns, generation, reports);
    }

    /// <summary>The network. The transformer owns it.</summary>
    public DiffusionModel Model { get; }

    /// <summary>How images are drawn.</summary>
    public ImageGenerationOptions Generation { get; }

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName => Columns.PromptColumnName;

    /// <summary>Column with the images that is added.</summary>
    public string OutputColumnName => Columns.OutputColumnName;

    /// <summary>Its columns.</summary>
    internal ImageColumns Columns { get; }

    /// <summary>Where warnings go.</summary>
    internal ComponentHost Host { get; }

    /// <summary>Images drawn at once, at least 1. It changes speed and memory, and the images by no more than rounding.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int BatchSize
    {
        get;
        set
        {
            Require.AtLeast(value, 1, nameof(BatchSize));
            field = value;
        }
    } = 16;

    /// <summary>What the training of this stage reported.</summary>
    public IReadOnlyList<StepReport> Reports { get; }

    /// <summary>The same as a table: a row per report, with Stage, Step, Tokens, Seconds and a column per metric. New each time.</summary>
    public DataFrame History => TrainingHistory.ToDataFrame(Reports);

    /// <inheritdoc/>
    public bool IsRowToRowMapper => true;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The prompt column is missing or of another type; the message names it.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return AddedColumns.Schema(inputSchema, new ImageGenerationMap(inputSchema, this));
    }

    /// <summary>Adds the column; nothing is drawn before a cursor reads it.</summary>
    /// <param name="input">Has the prompts.</param>
    /// <exception cref="ArgumentOutOfRangeException">The prompt column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchedView(input, new ImageGenerationMap(input.Schema, this));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The prompt column is missing or of another type; the message names it.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new BatchRowMapper(inputSchema, new ImageGenerationMap(inputSchema, this));
    }

    /// <summary>Disposes the model; images that are being drawn on other threads are finished first.</summary>
    public void Dispose() => Model.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx) => ImageGenerationLoader.Save(ctx, this);
}
