using Microsoft.Data.Analysis;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl;

/// <summary>
/// Answers prompts: text column → text column, and the score of each answer where a reward model is upstream. Lazy and batched: columns
/// that nobody reads cost nothing, and in float32 a prompt gives the same answer in every pass, whatever rows stand beside it; in bfloat16
/// rounding differs with the batch, so answers may. Owns its model.
/// </summary>
/// <remarks>
/// <c>ml.Model.Save</c> writes it into ML.NET's zip with all it needs, and <c>ml.Model.Load</c> finds the loader by the name of this
/// assembly, which the loading application must reference. Where a runtime does not, register it by hand before loading:
/// <c>ml.ComponentCatalog.RegisterAssembly(typeof(TrlCatalog).Assembly)</c>. ML.NET calls the loader by reflection: of a damaged file
/// <c>ml.Model.Load</c> throws a <see cref="System.Reflection.TargetInvocationException"/>, whose <see cref="Exception.GetBaseException"/>
/// is the <see cref="InvalidDataException"/> that names the entry. Values are computed anew by every pass over the view; put
/// <c>AppendCacheCheckpoint</c> or <c>ml.Data.Cache</c> between it and a trainer that makes many.
/// </remarks>
public sealed class TextGenerationTransformer : ITransformer, IDisposable
{
    private readonly IHostEnvironment _env;
    private readonly bool _ownsModel;

    internal TextGenerationTransformer(
        IHostEnvironment env,
        LanguageModel model,
        string outputColumnName,
        string? scoreColumnName,
        string promptColumnName,
        IReadOnlyList<StepReport> reports,
        GenerationOptions? generation = null,
        bool ownsModel = true,
        ConversationOptions? conversations = null)
    {
        _env = env;
        Host = new ComponentHost(env, "TRL text generation");
        Model = model;
        OutputColumnName = outputColumnName;
        ScoreColumnName = scoreColumnName;
        PromptColumnName = promptColumnName;
        Reports = reports;
        Generation = generation ?? model.Generation;
        _ownsModel = ownsModel;
        Conversations = conversations;
        Rows = model.Codec.Rows(conversations is not null);
    }

    /// <summary>The network, its tokenizer and its habits. The transformer owns it.</summary>
    public LanguageModel Model { get; }

    /// <summary>How answers are generated.</summary>
    public GenerationOptions Generation { get; }

    /// <summary>Text column of answers that is added.</summary>
    public string OutputColumnName { get; }

    /// <summary>Column of the answers' scores, added where a reward model is upstream; null = it replaces the reward model's own.</summary>
    public string? ScoreColumnName { get; }

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; }

    /// <summary>How prompts are read as conversations; null = as texts.</summary>
    public ConversationOptions? Conversations { get; }

    /// <summary>Completions that are sampled of each prompt; the reward model upstream chooses the best. 1 = it chooses nothing.</summary>
    public int SampleSize { get; internal init; } = 1;

    /// <summary>What rows hold as tokens.</summary>
    internal RowCodec Rows { get; }

    /// <summary>
    /// Rows generated at once, at least 1. It changes speed and memory; in float32 never the answers, in bfloat16 it may, by rounding.
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
    } = 16;

    /// <summary>Looked at once per token while a cursor or a prediction engine generates; <c>CancelExecution</c> is, too.</summary>
    public CancellationToken CancellationToken { get; set; }

    /// <summary>Where warnings go.</summary>
    internal ComponentHost Host { get; }

    /// <summary>What the training of this stage reported.</summary>
    public IReadOnlyList<StepReport> Reports { get; }

    /// <summary>The same as a table: a row per report, with Stage, Step, Tokens, Seconds and a column per metric. New each time.</summary>
    public DataFrame History => TrainingHistory.ToDataFrame(Reports);

    /// <inheritdoc/>
    public bool IsRowToRowMapper => true;

    /// <summary>A transformer that generates in another way with the same model, which stays this one's.</summary>
    /// <param name="generation">How answers are generated.</param>
    /// <returns>Usable as long as this transformer is not disposed.</returns>
    /// <exception cref="ArgumentException">An option is out of range, or an end token is not in the vocabulary.</exception>
    public TextGenerationTransformer With(GenerationOptions generation)
    {
        ArgumentNullException.ThrowIfNull(generation);
        generation.ValidatedForOne("a column of completions").CheckTokens(Model.Network.Config.VocabularySize);
        CheckSamples(SampleSize, generation, nameof(SampleSize));
        return new(_env, Model, OutputColumnName, ScoreColumnName, PromptColumnName, Reports, generation, ownsModel: false, Conversations)
        {
            BatchSize = BatchSize,
            CancellationToken = CancellationToken,
            SampleSize = SampleSize,
        };
    }

    /// <summary>
    /// A transformer that samples several completions of each prompt with the same model, which stays this one's, and keeps the one that
    /// the nearest reward model upstream scores best: what <see cref="BestOfNSampler"/> does, over a whole view.
    /// </summary>
    /// <param name="sampleSize">Completions of each prompt. At least 1.</param>
    /// <returns>Usable as long as this transformer is not disposed. The first sample of a prompt is what this one writes.</returns>
    /// <exception cref="ArgumentException">The number is below 1, or more than 1 and the completions are not drawn at random.</exception>
    public TextGenerationTransformer BestOf(int sampleSize)
    {
        CheckSamples(sampleSize, Generation, nameof(sampleSize));
        return new(_env, Model, OutputColumnName, ScoreColumnName, PromptColumnName, Reports, Generation, ownsModel: false, Conversations)
        {
            BatchSize = BatchSize,
            CancellationToken = CancellationToken,
            SampleSize = sampleSize,
        };
    }

    /// <summary>Fails where several samples of a prompt would be one.</summary>
    internal static void CheckSamples(int sampleSize, GenerationOptions generation, string name)
    {
        Require.AtLeast(sampleSize, 1, name);
        if (sampleSize > 1 && !generation.DoSample)
            throw new ArgumentException(
                $"{name} is {sampleSize}, but DoSample is false: all samples of a prompt would be the same text. Set DoSample to true, or "
                + $"{name} to 1.", nameof(generation));
    }

    /// <summary>Saves a folder that transformers, <see cref="LanguageModel.Load"/> and <see cref="ModelSource.Folder"/> can read.</summary>
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
    /// <exception cref="InvalidOperationException">The best of several samples is wanted, and no reward model is upstream.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return AddedColumns.Schema(inputSchema, new PolicyMap(inputSchema, this));
    }

    /// <summary>
    /// Adds the completions; nothing is generated before a cursor reads them. A row that cannot be answered (a prompt without a token, or
    /// one that fills the context) gets an empty completion and a NaN score, and the log one warning;
    /// <see cref="GenerationOptions.RefuseUnanswerablePrompts"/> makes it an error.
    /// </summary>
    /// <param name="input">Has the text column <see cref="PromptColumnName"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">It has not, or of another type.</exception>
    /// <exception cref="InvalidOperationException">The best of several samples is wanted, and no reward model is upstream.</exception>
    /// <exception cref="ArgumentException">While rows are read: one cannot be answered, and the options refuse it.</exception>
    /// <exception cref="InvalidDataException">While rows are read: a conversation cannot be rendered; the message names it.</exception>
    /// <exception cref="ObjectDisposedException">While rows are read: the model was disposed.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchedView(input, new PolicyMap(input.Schema, this));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">A text column is missing or of another type; the message names it.</exception>
    /// <exception cref="InvalidOperationException">The best of several samples is wanted, and no reward model is upstream.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new BatchRowMapper(inputSchema, new PolicyMap(inputSchema, this));
    }

    /// <summary>Disposes the model; completions that are being generated on other threads are finished first.</summary>
    public void Dispose()
    {
        if (_ownsModel)
            Model.Dispose();
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) => TextGenerationLoader.Save(ctx, this);
}
