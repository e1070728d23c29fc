using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>Kahneman-Tversky optimisation of the nearest policy upstream, which is also the reference unless one is given.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Labelled answers or pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public KtoTrainer Kto(
        KtoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "KTO", null, trainingData, reference, progress, cancel), options ?? new KtoOptions());

    /// <summary>Kahneman-Tversky optimisation of a model, which is also the reference unless one is given.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Labelled answers or pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public KtoTrainer Kto(
        ModelSource source, KtoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "KTO", Given(source), trainingData, reference, progress, cancel), options ?? new KtoOptions());

    /// <summary>Binary classifier optimisation of the nearest policy upstream, which is also the reference unless one is given.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Labelled answers or pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public BcoTrainer Bco(
        BcoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "BCO", null, trainingData, reference, progress, cancel), options ?? new BcoOptions());

    /// <summary>Binary classifier optimisation of a model, which is also the reference unless one is given.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Labelled answers or pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public BcoTrainer Bco(
        ModelSource source, BcoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "BCO", Given(source), trainingData, reference, progress, cancel), options ?? new BcoOptions());
}
