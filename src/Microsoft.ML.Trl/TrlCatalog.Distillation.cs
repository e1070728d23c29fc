using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

/// <content>Students that learn from teachers.</content>
public sealed partial class TrlCatalog
{
    /// <summary>Generalized knowledge distillation into the nearest policy upstream.</summary>
    /// <param name="teacher">The model to learn from, of the student's tokenizer; it is only read.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts, and completions, of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public GkdTrainer Gkd(
        ModelSource teacher, GkdOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "GKD", null, trainingData, null, progress, cancel), Require.NotNull(teacher),
            options ?? new GkdOptions());

    /// <summary>Generalized knowledge distillation into a model.</summary>
    /// <param name="source">The student to start from.</param>
    /// <param name="teacher">The model to learn from, of the student's tokenizer; it is only read.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts, and completions, of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public GkdTrainer Gkd(
        ModelSource source, ModelSource teacher, GkdOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "GKD", Given(source), trainingData, null, progress, cancel), Require.NotNull(teacher),
            options ?? new GkdOptions());

    /// <summary>MiniLLM, distillation by the reverse KL of what the student writes, into the nearest policy upstream.</summary>
    /// <param name="teacher">The model to learn from, of the student's tokenizer; it is only read.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together; the message says what to do.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public MiniLlmTrainer MiniLlm(
        ModelSource teacher, MiniLlmOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        MiniLlm(teacher, [], options, trainingData, null, progress, cancel);

    /// <summary>MiniLLM, distillation by the reverse KL of what the student writes, into a model.</summary>
    /// <param name="source">The student to start from.</param>
    /// <param name="teacher">The model to learn from, of the student's tokenizer; it is only read.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together; the message says what to do.</exception>
    public MiniLlmTrainer MiniLlm(
        ModelSource source, ModelSource teacher, MiniLlmOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        MiniLlm(source, teacher, [], options, trainingData, null, progress, cancel);

    /// <summary>
    /// MiniLLM, distillation by the reverse KL of what the student writes, with rewards beside the teacher, into the nearest policy
    /// upstream.
    /// </summary>
    /// <param name="teacher">The model to learn from, of the student's tokenizer; it is only read.</param>
    /// <param name="rewards">
    /// Any number; each may leave rows out (null). They are added with <see cref="GroupOptions.RewardWeights"/>.
    /// </param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">
    /// What <see cref="GroupOptions.Beta"/> holds the student against; null = the model that training starts from.
    /// </param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together; the message says what to do.</exception>
    public MiniLlmTrainer MiniLlm(
        ModelSource teacher, IReadOnlyList<RewardFunction> rewards, MiniLlmOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "MiniLLM", null, trainingData, reference, progress, cancel), Require.NotNull(teacher),
            Require.NotNull(rewards), options ?? new MiniLlmOptions());

    /// <summary>MiniLLM, distillation by the reverse KL of what the student writes, with rewards, into a model.</summary>
    /// <param name="source">The student to start from.</param>
    /// <param name="teacher">The model to learn from, of the student's tokenizer; it is only read.</param>
    /// <param name="rewards">
    /// Any number; each may leave rows out (null). They are added with <see cref="GroupOptions.RewardWeights"/>.
    /// </param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">
    /// What <see cref="GroupOptions.Beta"/> holds the student against; null = the model that training starts from.
    /// </param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together; the message says what to do.</exception>
    public MiniLlmTrainer MiniLlm(
        ModelSource source, ModelSource teacher, IReadOnlyList<RewardFunction> rewards, MiniLlmOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "MiniLLM", Given(source), trainingData, reference, progress, cancel),
            Require.NotNull(teacher), Require.NotNull(rewards), options ?? new MiniLlmOptions());

    /// <summary>Distillation on the completions of the data into the nearest policy upstream.</summary>
    /// <param name="teacher">The model to learn from, of the student's tokenizer; it is only read.</param>
    /// <param name="options">Null = the defaults.</param>
    /// <param name="trainingData">Prompts with completions of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public DistillTrainer Distill(
        ModelSource teacher, DistillOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "Distill", null, trainingData, null, progress, cancel), Require.NotNull(teacher),
            options ?? new DistillOptions());

    /// <summary>Distillation on the completions of the data into a model.</summary>
    /// <param name="source">The student to start from.</param>
    /// <param name="teacher">The model to learn from, of the student's tokenizer; it is only read.</param>
    /// <param name="options">Null = the defaults.</param>
    /// <param name="trainingData">Prompts with completions of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public DistillTrainer Distill(
        ModelSource source, ModelSource teacher, DistillOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "Distill", Given(source), trainingData, null, progress, cancel), Require.NotNull(teacher),
            options ?? new DistillOptions());
}
