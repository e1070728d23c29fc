using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>A process reward model, which scores the steps of completions, that begins with the nearest policy upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Labelled steps of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public PrmTrainer Prm(
        PrmOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "PRM", null, trainingData, null, progress, cancel), options ?? new PrmOptions());

    /// <summary>A process reward model, which scores the steps of completions, that begins with a policy or a classifier.</summary>
    /// <param name="source">The model to start from; it gets a fresh head of two labels where it has none.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Labelled steps of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public PrmTrainer Prm(
        ModelSource source, PrmOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "PRM", Given(source), trainingData, null, progress, cancel), options ?? new PrmOptions());
}
