using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

/// <summary>Makes the estimators of post-training. Get it with <c>ml.Trl()</c>; each stage works alone or appended to others.</summary>
/// <remarks>
/// A stage without a source starts from the nearest policy upstream in the pipeline. Its own training data, where given, replace what comes
/// down the pipeline. Progress is reported on the training thread; cancelling ends training within one step.
/// </remarks>
public sealed partial class TrlCatalog
{
    private readonly MLContext _ml;

    internal TrlCatalog(MLContext ml) => _ml = ml;

    /// <summary>Supervised fine-tuning of the nearest policy upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Data of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public SftTrainer Sft(
        SftOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "SFT", null, trainingData, null, progress, cancel), options ?? new SftOptions());

    /// <summary>Supervised fine-tuning of a model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Data of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public SftTrainer Sft(
        ModelSource source, SftOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "SFT", Given(source), trainingData, null, progress, cancel), options ?? new SftOptions());

    /// <summary>A reward model that begins with the nearest policy upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public RewardTrainer RewardModel(
        RewardOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "Reward", null, trainingData, null, progress, cancel), options ?? new RewardOptions());

    /// <summary>A reward model that begins with a policy, which gets a fresh scoring head, or with a reward model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public RewardTrainer RewardModel(
        ModelSource source, RewardOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new StageContext(_ml, "Reward", Given(source), trainingData, null, progress, cancel), options ?? new RewardOptions());

    /// <summary>Direct preference optimisation of the nearest policy upstream, which is also the reference unless one is given.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public DpoTrainer Dpo(
        DpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "DPO", null, trainingData, reference, progress, cancel), options ?? new DpoOptions());

    /// <summary>Direct preference optimisation of a model, which is also the reference unless one is given.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public DpoTrainer Dpo(
        ModelSource source, DpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "DPO", Given(source), trainingData, reference, progress, cancel), options ?? new DpoOptions());

    /// <summary>PPO on the nearest policy upstream, with the nearest reward model upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public PpoTrainer Ppo(
        PpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "PPO", null, trainingData, reference, progress, cancel), null, options ?? new PpoOptions());

    /// <summary>PPO on the nearest policy upstream, with a function of prompt and response as reward.</summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public PpoTrainer Ppo(
        Func<string, string, double> reward, PpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Ppo(RewardFunction.Of(reward), options, trainingData, reference, progress, cancel);

    /// <summary>PPO on the nearest policy upstream, with a function of all that is known about a completion as reward.</summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public PpoTrainer Ppo(
        Func<RewardRow, double> reward, PpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Ppo(RewardFunction.Of(reward), options, trainingData, reference, progress, cancel);

    /// <summary>PPO on the nearest policy upstream, with any reward.</summary>
    /// <param name="reward">
    /// Such as <see cref="RewardFunction.FromTransformer"/>, <c>RewardFunction.OfAsync</c> or
    /// <see cref="RewardFunction.WeightedSum"/>.
    /// </param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public PpoTrainer Ppo(
        RewardFunction reward, PpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(reward);
        return new(new StageContext(_ml, "PPO", null, trainingData, reference, progress, cancel), reward, options ?? new PpoOptions());
    }

    /// <summary>PPO on a model, which is also the reference unless one is given.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="reward">Any reward; null = the nearest reward model upstream.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public PpoTrainer Ppo(
        ModelSource source, RewardFunction? reward = null, PpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "PPO", Given(source), trainingData, reference, progress, cancel), reward, options ?? new PpoOptions());

    private static ModelSource Given(ModelSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return source;
    }
}
