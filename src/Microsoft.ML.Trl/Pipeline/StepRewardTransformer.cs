using Microsoft.Data.Analysis;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl;

/// <summary>
/// Scores each step of a completion: prompt and completion → a vector with the probability that each step is right. Lazy, batched. Owns its
/// model.
/// </summary>
/// <remarks>
/// A completion is split into steps at the separator of the training. The vector has as many numbers as there are steps, and NaN for those
/// that lie beyond the model's context, of which the log gets a warning.
/// </remarks>
public sealed class StepRewardTransformer : ITransformer, IDisposable
{
    internal const string HostName = "TRL step reward";

    internal StepRewardTransformer(
        IHostEnvironment env, TextClassifier model, StepRewardOutput output, IReadOnlyList<StepReport> reports)
    {
        Host = new ComponentHost(env, HostName);
        (Model, Output, Reports) = (model, output, reports);
    }

    /// <summary>
    /// The network, whose second label means that a step is right, and its tokenizer. The transformer owns it; saved as a folder it is a
    /// sequence classifier, which is to be read where steps end.
    /// </summary>
    public TextClassifier Model { get; }

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName => Output.PromptColumnName;

    /// <summary>Text column with the completions.</summary>
    public string CompletionColumnName => Output.CompletionColumnName;

    /// <summary>Column with the vector of probabilities that is added.</summary>
    public string OutputColumnName => Output.OutputColumnName;

    /// <summary>What ends each step.</summary>
    public string StepSeparator => Output.StepSeparator;

    /// <summary>Its columns.</summary>
    internal StepRewardOutput Output { get; }

    /// <summary>Where warnings go.</summary>
    internal ComponentHost Host { get; }

    /// <summary>
    /// Rows scored at once, at least 1. It changes speed and memory; in float32 never the scores, in bfloat16 it may, by rounding.
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

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A text column is missing or of another type; the message names it.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return AddedColumns.Schema(inputSchema, new StepRewardMap(inputSchema, this));
    }

    /// <summary>Adds the column; nothing is computed before a cursor reads it.</summary>
    /// <param name="input">Has the text columns.</param>
    /// <exception cref="ArgumentOutOfRangeException">A text column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchedView(input, new StepRewardMap(input.Schema, this));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A text column is missing or of another type; the message names it.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new BatchRowMapper(inputSchema, new StepRewardMap(inputSchema, this));
    }

    /// <summary>Disposes the model; rows that are being scored on other threads are finished first.</summary>
    public void Dispose() => Model.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx) => StepRewardLoader.Save(ctx, this);
}
