using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>Answers prompts with a model as it is: a folder, a trained session's model, what a transformer holds.</summary>
    /// <param name="source">The model.</param>
    /// <param name="generation">How prompts are answered; null = as the model does.</param>
    /// <param name="outputColumnName">Text column of answers that is added.</param>
    /// <param name="promptColumnName">Text column with the prompts.</param>
    /// <param name="bf16">Whether weights are bfloat16 in memory.</param>
    /// <param name="quantization">How matrices are held in memory; fewer bits generate faster, and round.</param>
    /// <param name="conversations">How prompts are read as conversations; null = as texts.</param>
    /// <exception cref="ArgumentException">A column has no name, or an option is out of range.</exception>
    /// <example><c>var baseline = ml.Trl().TextGeneration(ModelSource.Folder("gpt2")).Fit(prompts);</c></example>
    public TextGenerationEstimator TextGeneration(
        ModelSource source,
        GenerationOptions? generation = null,
        string outputColumnName = "Completion",
        string promptColumnName = "Prompt",
        bool bf16 = false,
        WeightQuantization quantization = WeightQuantization.None,
        ConversationOptions? conversations = null) =>
        new(
            _ml, Given(source), new PolicyOutput(outputColumnName, null, promptColumnName, generation, conversations), bf16, quantization);

    /// <summary>Scores completions with a reward model as it is.</summary>
    /// <param name="source">A reward model: a folder of a sequence classifier with one label, or what a transformer holds.</param>
    /// <param name="outputColumnName">Column of scores that is added.</param>
    /// <param name="promptColumnName">Text column with what the completions answer; null = completions are scored by themselves.</param>
    /// <param name="completionColumnName">Text column with what is scored.</param>
    /// <param name="bf16">Whether weights are bfloat16 in memory.</param>
    /// <param name="conversations">
    /// How prompts are read as conversations: a completion is then what the assistant says after the prompt, or a whole conversation where
    /// no prompts are read. Null = as texts.
    /// </param>
    /// <exception cref="ArgumentException">A column has no name.</exception>
    public RewardScoringEstimator RewardScoring(
        ModelSource source,
        string outputColumnName = "Score",
        string? promptColumnName = "Prompt",
        string completionColumnName = "Completion",
        bool bf16 = false,
        ConversationOptions? conversations = null) =>
        new(_ml, Given(source), new RewardOutput(outputColumnName, promptColumnName, completionColumnName, conversations), bf16);

    /// <summary>Classifies texts with a sequence classifier as it is.</summary>
    /// <param name="source">The folder of a sequence classifier, or what a transformer holds.</param>
    /// <param name="textColumnName">Text column with what is classified.</param>
    /// <param name="predictedLabelColumnName">Text column with the likeliest label that is added.</param>
    /// <param name="scoreColumnName">Column with the vector of scores that is added.</param>
    /// <param name="probabilityColumnName">Column with the vector of probabilities that is added.</param>
    /// <param name="bf16">Whether weights are bfloat16 in memory.</param>
    /// <exception cref="ArgumentException">A column has no name.</exception>
    public TextClassificationEstimator TextClassification(
        ModelSource source,
        string textColumnName = "Text",
        string predictedLabelColumnName = "PredictedLabel",
        string scoreColumnName = "Score",
        string probabilityColumnName = "Probability",
        bool bf16 = false) =>
        new(
            _ml, Given(source),
            new ClassifierOutput(textColumnName, predictedLabelColumnName, scoreColumnName, probabilityColumnName), bf16);

    /// <summary>Trains a classifier of texts.</summary>
    /// <param name="source">
    /// A sequence classifier, or a language model; where it has no head for the labels of the data, it gets a new one.
    /// </param>
    /// <param name="options">Columns and training.</param>
    /// <param name="trainingData">Data of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    public TextClassificationTrainer TextClassification(
        ModelSource source, TextClassificationOptions options,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new(new StageContext(_ml, "Classification", Given(source), trainingData, null, progress, cancel), options);
    }

    /// <summary>
    /// Loads a transformer as <c>ml.Model.Load</c> does, but with the exception that says what is wrong with the file:
    /// <c>ml.Model.Load</c> wraps those of loaders, once for every level of a chain.
    /// </summary>
    /// <param name="path">What <see cref="Save"/> or <c>ml.Model.Save</c> wrote.</param>
    /// <param name="inputSchema">Schema of its input; null where none was saved.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">There is no such file or folder, or it cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or no model; the message names the file or its entry.</exception>
    /// <exception cref="NotSupportedException">It holds something that this version cannot read.</exception>
    /// <exception cref="InvalidOperationException">The GPU that the context asks for is not there.</exception>
    public ITransformer Load(string path, out DataViewSchema? inputSchema)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return _ml.Model.Load(path, out inputSchema);
        }
        catch (Exception thrown)
        {
            Exception cause = Unwrapped(thrown);
            if (cause is InvalidOperationException)
                Place(); // where the GPU is what is missing, this says so
            if (IsUnspecific(cause))
                throw new InvalidDataException($"'{path}' is no model that ML.NET saved, or was damaged: {cause.Message}", cause);
            ExceptionDispatchInfo.Throw(cause);
            throw; // never reached
        }
    }

    /// <summary>What ML.NET's reading runs into where a file is not what it takes it for, and what says nothing of the file.</summary>
    private static bool IsUnspecific(Exception cause) => cause is FormatException or ArgumentException or OverflowException
        or InvalidOperationException or IndexOutOfRangeException or NullReferenceException or InvalidCastException
        or KeyNotFoundException or OutOfMemoryException;

    /// <summary>
    /// Saves a transformer as <c>ml.Model.Save</c> does, but beside the file and under its name only when it is complete: whatever happens
    /// on the way, an older file stays whole.
    /// </summary>
    /// <param name="model">Any transformer.</param>
    /// <param name="inputSchema">Schema of its input; null = none is saved.</param>
    /// <param name="path">Where to; its folder must exist and have room for both files.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">The file cannot be written; the older one is untouched.</exception>
    /// <exception cref="ObjectDisposedException">The transformer's model was disposed.</exception>
    public void Save(ITransformer model, DataViewSchema? inputSchema, string path)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(path);
        string unfinished = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            using (FileStream file = new(unfinished, FileMode.CreateNew, FileAccess.ReadWrite))
            {
                _ml.Model.Save(model, inputSchema, file);
                file.Flush(flushToDisk: true);
            }
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static Exception Unwrapped(Exception thrown) => thrown switch
    {
        TargetInvocationException { InnerException: { } inner } => Unwrapped(inner),
        InvalidOperationException { InnerException: TargetInvocationException inner } => Unwrapped(inner),
        _ => thrown,
    };
}
