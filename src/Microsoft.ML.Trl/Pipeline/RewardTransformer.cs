using Microsoft.Data.Analysis;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl;

/// <summary>Scores completions: text columns of prompt and completion → numbers, higher is better. Lazy, batched. Owns its model.</summary>
/// <remarks>
/// Where the data have no completions (a pipeline whose policy comes later), the score column is there all the same and carries the model
/// to the stages that follow; only reading its values is an error. Of a damaged file <c>ml.Model.Load</c> throws as for
/// <see cref="TextGenerationTransformer"/>: the base exception is the <see cref="InvalidDataException"/> that names the entry.
/// </remarks>
public sealed class RewardTransformer : ITransformer, IDisposable
{
    internal RewardTransformer(
        IHostEnvironment env, TextRewardModel model, RewardOutput output, IReadOnlyList<StepReport> reports)
    {
        Host = new ComponentHost(env, "TRL reward model");
        Model = model;
        (OutputColumnName, PromptColumnName, CompletionColumnName, Conversations) = output;
        Rows = model.Codec.Rows(Conversations is not null);
        Reports = reports;
    }

    /// <summary>The network and its tokenizer. The transformer owns it.</summary>
    public TextRewardModel Model { get; }

    /// <summary>
    /// Text column with what the completions answer. Null = none is read. A model that was trained without prompts does without the
    /// column where it is absent.
    /// </summary>
    public string? PromptColumnName { get; }

    /// <summary>Text column with what is scored.</summary>
    public string CompletionColumnName { get; }

    /// <summary>
    /// How prompts are read as conversations: a completion is then what the assistant says after the prompt or, where no prompts are read,
    /// a whole conversation. Null = prompts and completions are texts.
    /// </summary>
    public ConversationOptions? Conversations { get; }

    /// <summary>What rows hold as tokens.</summary>
    internal RowCodec Rows { get; }

    /// <summary>Column of numbers that is added.</summary>
    public string OutputColumnName { get; }

    /// <summary>Whether the model was trained without prompts, and so does without their column.</summary>
    internal bool ReadsWholeTexts { get; init; }

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

    /// <summary>
    /// Saves a folder that transformers, <see cref="TextRewardModel.Load"/> and <see cref="ModelSource.Folder"/> read, and that scores
    /// alike in all: a model that scores the end token is saved with a pad token of its own, which may be one token more; see
    /// <see cref="TextRewardModel.Save"/>.
    /// </summary>
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
    /// <exception cref="ArgumentOutOfRangeException">A text column is missing or of another type; the message names it.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return AddedColumns.Schema(inputSchema, new RewardMap(inputSchema, this));
    }

    /// <summary>Adds the scores; nothing is computed before a cursor reads them.</summary>
    /// <param name="input">Has the text columns of completions and, unless the model reads whole texts, prompts.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidDataException">While rows are read: a conversation cannot be rendered; the message names it.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchedView(input, new RewardMap(input.Schema, this));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A text column is missing or of another type; the message names it.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new BatchRowMapper(inputSchema, new RewardMap(inputSchema, this));
    }

    /// <summary>Disposes the model; rows that are being scored on other threads are finished first.</summary>
    public void Dispose() => Model.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx) => RewardLoader.Save(ctx, this);
}
