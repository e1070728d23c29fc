using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

/// <content>Methods that compare answers of the policy in training.</content>
public sealed partial class TrlCatalog
{
    /// <summary>Online DPO of the nearest policy upstream; the nearest reward model upstream compares.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public OnlineDpoTrainer OnlineDpo(
        OnlineDpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "Online DPO", null, trainingData, reference, progress, cancel), null, options ?? new OnlineDpoOptions());

    /// <summary>Online DPO of the nearest policy upstream.</summary>
    /// <param name="judge">Compares answers; a <see cref="RewardFunction"/> is one, too, by its scores.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    public OnlineDpoTrainer OnlineDpo(
        PairwiseJudge judge, OnlineDpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "Online DPO", null, trainingData, reference, progress, cancel),
            Given(judge), options ?? new OnlineDpoOptions());

    /// <summary>Online DPO of a model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="judge">Compares answers; null = the nearest reward model upstream does.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    public OnlineDpoTrainer OnlineDpo(
        ModelSource source, PairwiseJudge? judge = null, OnlineDpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "Online DPO", Given(source),
            trainingData, reference, progress, cancel), judge, options ?? new OnlineDpoOptions());

    /// <summary>Exploratory preference optimisation of the nearest policy upstream; the nearest reward model upstream compares.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public XpoTrainer Xpo(
        XpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "XPO", null, trainingData, reference, progress, cancel), null, options ?? new XpoOptions());

    /// <summary>Exploratory preference optimisation of the nearest policy upstream.</summary>
    /// <param name="judge">Compares answers; a <see cref="RewardFunction"/> is one, too, by its scores.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    public XpoTrainer Xpo(
        PairwiseJudge judge, XpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "XPO", null, trainingData, reference, progress, cancel), Given(judge), options ?? new XpoOptions());

    /// <summary>Exploratory preference optimisation of a model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="judge">Compares answers; null = the nearest reward model upstream does.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    public XpoTrainer Xpo(
        ModelSource source, PairwiseJudge? judge = null, XpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "XPO", Given(source), trainingData, reference, progress, cancel), judge, options ?? new XpoOptions());

    /// <summary>Nash learning from human feedback of the nearest policy upstream; the nearest reward model upstream compares.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public NashMdTrainer NashMd(
        NashMdOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "Nash-MD", null, trainingData, reference, progress, cancel), null, options ?? new NashMdOptions());

    /// <summary>Nash learning from human feedback of the nearest policy upstream.</summary>
    /// <param name="judge">Compares answers; a <see cref="RewardFunction"/> is one, too, by its scores.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    public NashMdTrainer NashMd(
        PairwiseJudge judge, NashMdOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "Nash-MD", null, trainingData, reference, progress, cancel),
            Given(judge), options ?? new NashMdOptions());

    /// <summary>Nash learning from human feedback of a model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="judge">Compares answers; null = the nearest reward model upstream does.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, options contradict each other, or do not fit the judge; the message names them.
    /// </exception>
    public NashMdTrainer NashMd(
        ModelSource source, PairwiseJudge? judge = null, NashMdOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "Nash-MD", Given(source),
            trainingData, reference, progress, cancel), judge, options ?? new NashMdOptions());

    /// <summary>DPO on pairs of its own answers, in iterations, of the nearest policy upstream; the nearest reward model scores.</summary>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = as <see cref="IterativeDpoOptions.RenewReference"/> says.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, or options contradict each other; the message names them.
    /// </exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public IterativeDpoTrainer IterativeDpo(
        IterativeDpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "Iterative DPO", null, trainingData, reference, progress, cancel),
            null, options ?? new IterativeDpoOptions());

    /// <summary>DPO on pairs of its own answers, in iterations, of the nearest policy upstream.</summary>
    /// <param name="reward">Higher is better.</param>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = as <see cref="IterativeDpoOptions.RenewReference"/> says.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, or options contradict each other; the message names them.
    /// </exception>
    public IterativeDpoTrainer IterativeDpo(
        RewardFunction reward, IterativeDpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(reward);
        return new(
            new StageContext(_ml, "Iterative DPO", null, trainingData, reference, progress, cancel), reward,
            options ?? new IterativeDpoOptions());
    }

    /// <summary>DPO on pairs of its own answers, in iterations, of a model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="reward">Higher is better. Null = the nearest reward model upstream.</param>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = as <see cref="IterativeDpoOptions.RenewReference"/> says.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, or options contradict each other; the message names them.
    /// </exception>
    public IterativeDpoTrainer IterativeDpo(
        ModelSource source, RewardFunction? reward = null, IterativeDpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "Iterative DPO", Given(source),
            trainingData, reference, progress, cancel), reward, options ?? new IterativeDpoOptions());

    private static PairwiseJudge Given(PairwiseJudge judge)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return judge;
    }
}
