using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>Odds ratio preference optimisation of the nearest policy upstream, without a reference.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public OrpoTrainer Orpo(
        OrpoOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "ORPO", null, trainingData, null, progress, cancel), options ?? new OrpoOptions());

    /// <summary>Odds ratio preference optimisation of a model, without a reference.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public OrpoTrainer Orpo(
        ModelSource source, OrpoOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "ORPO", Given(source), trainingData, null, progress, cancel), options ?? new OrpoOptions());

    /// <summary>Contrastive preference optimisation, SimPO or AlphaPO of the nearest policy upstream, without a reference.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public CpoTrainer Cpo(
        CpoOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "CPO", null, trainingData, null, progress, cancel), options ?? new CpoOptions());

    /// <summary>Contrastive preference optimisation, SimPO or AlphaPO of a model, without a reference.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public CpoTrainer Cpo(
        ModelSource source, CpoOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "CPO", Given(source), trainingData, null, progress, cancel), options ?? new CpoOptions());
}
