using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>Reward-ranked fine-tuning of the nearest policy upstream, with the nearest reward model upstream.</summary>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public RaftTrainer Raft(
        RaftOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "RAFT", null, trainingData, null, progress, cancel), null, options ?? new RaftOptions());

    /// <summary>Reward-ranked fine-tuning of the nearest policy upstream, with a function of prompt and completion as reward.</summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public RaftTrainer Raft(
        Func<string, string, double> reward, RaftOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Raft([RewardFunction.Of(reward)], options, trainingData, progress, cancel);

    /// <summary>
    /// Reward-ranked fine-tuning of the nearest policy upstream, with a function of all that is known about a completion as reward.
    /// </summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public RaftTrainer Raft(
        Func<RewardRow, double> reward, RaftOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Raft([RewardFunction.Of(reward)], options, trainingData, progress, cancel);

    /// <summary>Reward-ranked fine-tuning of the nearest policy upstream, with any reward.</summary>
    /// <param name="reward">
    /// Such as <see cref="RewardFunction.FromTransformer"/>, or one of <c>RewardFunction.OfAsync</c>.
    /// </param>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public RaftTrainer Raft(
        RewardFunction reward, RaftOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Raft([Require.NotNull(reward)], options, trainingData, progress, cancel);

    /// <summary>Reward-ranked fine-tuning of the nearest policy upstream, with several rewards.</summary>
    /// <param name="rewards">
    /// At least one; each may leave rows out (null). They are added with <see cref="RaftOptions.RewardWeights"/>; awaited ones run at the
    /// same time.
    /// </param>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public RaftTrainer Raft(
        IReadOnlyList<RewardFunction> rewards, RaftOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "RAFT", null, trainingData, null, progress, cancel), Require.NotNull(rewards),
            options ?? new RaftOptions());

    /// <summary>Reward-ranked fine-tuning of a model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="rewards">At least one; null = the nearest reward model upstream.</param>
    /// <param name="options">Null = LMFlow's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public RaftTrainer Raft(
        ModelSource source, IReadOnlyList<RewardFunction>? rewards = null, RaftOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "RAFT", Given(source), trainingData, null, progress, cancel), rewards, options ?? new RaftOptions());
}
