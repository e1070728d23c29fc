using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

/// <content>PPO with a value model of its own, as TRL's experimental PPO has it.</content>
public sealed partial class TrlCatalog
{
    /// <summary>PPO with a value model of its own on the nearest policy upstream, with the nearest reward model upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="valueModel">
    /// What says before each token how the score will turn out: a reward model, or a policy, which gets a new head. It must read the
    /// policy's tokens. Null = a copy of the reward model where that is a model, as in TRL's scripts; otherwise the policy with a new head.
    /// </param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public ExperimentalPpoTrainer ExperimentalPpo(
        ExperimentalPpoOptions? options = null, ModelSource? valueModel = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, EpisodeLoop.Name, null, trainingData, reference, progress, cancel), (RewardFunction?)null,
            valueModel, options ?? new ExperimentalPpoOptions());


    /// <summary>The same with a function of prompt and response as reward.</summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="valueModel">
    /// What says before each token how the score will turn out: a reward model, or a policy, which gets a new head. It must read the
    /// policy's tokens. Null = a copy of the reward model where that is a model, as in TRL's scripts; otherwise the policy with a new head.
    /// </param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public ExperimentalPpoTrainer ExperimentalPpo(
        Func<string, string, double> reward, ExperimentalPpoOptions? options = null, ModelSource? valueModel = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        ExperimentalPpo(RewardFunction.Of(reward), options, valueModel, trainingData, reference, progress, cancel);


    /// <summary>The same with a function of all that is known about a completion as reward.</summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="valueModel">
    /// What says before each token how the score will turn out: a reward model, or a policy, which gets a new head. It must read the
    /// policy's tokens. Null = a copy of the reward model where that is a model, as in TRL's scripts; otherwise the policy with a new head.
    /// </param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public ExperimentalPpoTrainer ExperimentalPpo(
        Func<RewardRow, double> reward, ExperimentalPpoOptions? options = null, ModelSource? valueModel = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        ExperimentalPpo(RewardFunction.Of(reward), options, valueModel, trainingData, reference, progress, cancel);


    /// <summary>The same with any reward.</summary>
    /// <param name="reward">
    /// Such as <see cref="RewardFunction.FromTransformer"/>, <c>RewardFunction.OfAsync</c> or
    /// <see cref="RewardFunction.WeightedSum"/>.
    /// </param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="valueModel">
    /// What says before each token how the score will turn out: a reward model, or a policy, which gets a new head. It must read the
    /// policy's tokens. Null = a copy of the reward model where that is a model, as in TRL's scripts; otherwise the policy with a new head.
    /// </param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public ExperimentalPpoTrainer ExperimentalPpo(
        RewardFunction reward, ExperimentalPpoOptions? options = null, ModelSource? valueModel = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, EpisodeLoop.Name, null, trainingData, reference, progress, cancel), Require.NotNull(reward),
            valueModel, options ?? new ExperimentalPpoOptions());


    /// <summary>PPO with a value model of its own on a model, which is also the reference unless one is given.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="reward">Any reward; null = the nearest reward model upstream.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="valueModel">
    /// What says before each token how the score will turn out: a reward model, or a policy, which gets a new head. It must read the
    /// policy's tokens. Null = a copy of the reward model where that is a model, as in TRL's scripts; otherwise the policy with a new head.
    /// </param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that null means the nearest reward model
    public ExperimentalPpoTrainer ExperimentalPpo(
        ModelSource source, RewardFunction? reward = null, ExperimentalPpoOptions? options = null, ModelSource? valueModel = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, EpisodeLoop.Name, Given(source), trainingData, reference, progress, cancel), reward,
            valueModel, options ?? new ExperimentalPpoOptions());


    /// <summary>The same with a reward model: TRL's four models.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="rewardModel">Scores the responses; it is only read.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="valueModel">
    /// What says before each token how the score will turn out: a reward model, or a policy, which gets a new head. It must read the
    /// policy's tokens. Null = a copy of the reward model where that is a model, as in TRL's scripts; otherwise the policy with a new head.
    /// </param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public ExperimentalPpoTrainer ExperimentalPpo(
        ModelSource source, ModelSource rewardModel, ExperimentalPpoOptions? options = null, ModelSource? valueModel = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, EpisodeLoop.Name, Given(source), trainingData, reference, progress, cancel), Require.NotNull(rewardModel),
            valueModel, options ?? new ExperimentalPpoOptions());

}
