using Microsoft.Data.Analysis;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl;

/// <summary>
/// Classifies texts: text → the likeliest label, the scores and the probabilities of all labels. Lazy, batched. Owns its model.
/// </summary>
/// <remarks>
/// The vectors' slots have the names of the labels. A text without a token gets an empty label and NaNs, and the log a warning. As a
/// reward for PPO: <c>RewardFunction.FromTransformer(classifier, "Score", slot)</c>; it reads prompt and completion as one text.
/// </remarks>
public sealed class TextClassificationTransformer : ITransformer, IDisposable
{
    internal const string HostName = "TRL text classification";

    internal TextClassificationTransformer(
        IHostEnvironment env, TextClassifier model, ClassifierOutput output, IReadOnlyList<StepReport> reports)
    {
        Host = new ComponentHost(env, HostName);
        (Model, Output, Reports) = (model, output, reports);
    }

    /// <summary>The network and its tokenizer. The transformer owns it.</summary>
    public TextClassifier Model { get; }

    /// <summary>Names of the labels, in the order of the vectors.</summary>
    public IReadOnlyList<string> Labels => Model.Labels;

    /// <summary>Text column with what is classified.</summary>
    public string TextColumnName => Output.TextColumnName;

    /// <summary>Text column with the likeliest label that is added.</summary>
    public string PredictedLabelColumnName => Output.PredictedLabelColumnName;

    /// <summary>Column with the vector of scores that is added.</summary>
    public string ScoreColumnName => Output.ScoreColumnName;

    /// <summary>Column with the vector of probabilities that is added.</summary>
    public string ProbabilityColumnName => Output.ProbabilityColumnName;

    /// <summary>Its columns.</summary>
    internal ClassifierOutput Output { get; }

    /// <summary>Where warnings go.</summary>
    internal ComponentHost Host { get; }

    /// <summary>
    /// Rows classified at once, at least 1. It changes speed and memory; in float32 never the scores, in bfloat16 it may, by rounding.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int BatchSize
    {
        get;
        set
        {
            Require.AtLeast(value, 1, nameof(BatchSize));
            field = value;
        }
    } = 32;

    /// <summary>What the training of this stage reported.</summary>
    public IReadOnlyList<StepReport> Reports { get; }

    /// <summary>The same as a table: a row per report, with Stage, Step, Tokens, Seconds and a column per metric. New each time.</summary>
    public DataFrame History => TrainingHistory.ToDataFrame(Reports);

    /// <inheritdoc/>
    public bool IsRowToRowMapper => true;

    /// <summary>Saves a folder that transformers, <see cref="TextClassifier.Load"/> and <see cref="ModelSource.Folder"/> read.</summary>
    /// <param name="folder">Made when it is not there; files of the same names are replaced.</param>
    /// <exception cref="ArgumentException">The folder has no name.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void SaveHuggingFace(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Model.Save(folder);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The text column is missing or of another type; the message names it.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return AddedColumns.Schema(inputSchema, new TextClassificationMap(inputSchema, this));
    }

    /// <summary>Adds the columns; nothing is computed before a cursor reads them.</summary>
    /// <param name="input">Has the text column.</param>
    /// <exception cref="ArgumentOutOfRangeException">The text column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchedView(input, new TextClassificationMap(input.Schema, this));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The text column is missing or of another type; the message names it.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new BatchRowMapper(inputSchema, new TextClassificationMap(inputSchema, this));
    }

    /// <summary>Disposes the model; rows that are being classified on other threads are finished first.</summary>
    public void Dispose() => Model.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx) => TextClassificationLoader.Save(ctx, this);
}
