using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>Group relative policy optimisation of the nearest policy upstream, with the nearest reward model upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public GrpoTrainer Grpo(
        GrpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "GRPO", null, trainingData, reference, progress, cancel), null, options ?? new GrpoOptions());

    /// <summary>
    /// Group relative policy optimisation of the nearest policy upstream, with a function of prompt and completion as reward.
    /// </summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public GrpoTrainer Grpo(
        Func<string, string, double> reward, GrpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Grpo([RewardFunction.Of(reward)], options, trainingData, reference, progress, cancel);

    /// <summary>
    /// Group relative policy optimisation of the nearest policy upstream, with a function of all that is known about a completion as
    /// reward.
    /// </summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public GrpoTrainer Grpo(
        Func<RewardRow, double> reward, GrpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Grpo([RewardFunction.Of(reward)], options, trainingData, reference, progress, cancel);

    /// <summary>Group relative policy optimisation of the nearest policy upstream, with any reward.</summary>
    /// <param name="reward">
    /// Such as <see cref="RewardFunction.FromTransformer"/>, or one of <c>RewardFunction.OfAsync</c>.
    /// </param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public GrpoTrainer Grpo(
        RewardFunction reward, GrpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Grpo([Require.NotNull(reward)], options, trainingData, reference, progress, cancel);

    /// <summary>Group relative policy optimisation of the nearest policy upstream, with several rewards.</summary>
    /// <param name="rewards">
    /// At least one; each may leave rows out (null). They are added with <see cref="GroupOptions.RewardWeights"/>; awaited ones run at the
    /// same time.
    /// </param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public GrpoTrainer Grpo(
        IReadOnlyList<RewardFunction> rewards, GrpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "GRPO", null, trainingData, reference, progress, cancel), Require.NotNull(rewards),
            options ?? new GrpoOptions());

    /// <summary>Group relative policy optimisation of a model, which is also the reference unless one is given.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="rewards">At least one; null = the nearest reward model upstream.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public GrpoTrainer Grpo(
        ModelSource source, IReadOnlyList<RewardFunction>? rewards = null, GrpoOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "GRPO", Given(source), trainingData, reference, progress, cancel), rewards, options ?? new GrpoOptions());

    /// <summary>REINFORCE leave-one-out of the nearest policy upstream, with the nearest reward model upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    [OverloadResolutionPriority(1)] // so that new() means options
    public RlooTrainer Rloo(
        RlooOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new StageContext(_ml, "RLOO", null, trainingData, reference, progress, cancel), null, options ?? new RlooOptions());

    /// <summary>REINFORCE leave-one-out of the nearest policy upstream, with a function of prompt and completion as reward.</summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public RlooTrainer Rloo(
        Func<string, string, double> reward, RlooOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Rloo([RewardFunction.Of(reward)], options, trainingData, reference, progress, cancel);

    /// <summary>
    /// REINFORCE leave-one-out of the nearest policy upstream, with a function of all that is known about a completion as reward.
    /// </summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public RlooTrainer Rloo(
        Func<RewardRow, double> reward, RlooOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Rloo([RewardFunction.Of(reward)], options, trainingData, reference, progress, cancel);

    /// <summary>REINFORCE leave-one-out of the nearest policy upstream, with any reward.</summary>
    /// <param name="reward">
    /// Such as <see cref="RewardFunction.FromTransformer"/>, or one of <c>RewardFunction.OfAsync</c>.
    /// </param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public RlooTrainer Rloo(
        RewardFunction reward, RlooOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        Rloo([Require.NotNull(reward)], options, trainingData, reference, progress, cancel);

    /// <summary>REINFORCE leave-one-out of the nearest policy upstream, with several rewards.</summary>
    /// <param name="rewards">
    /// At least one; each may leave rows out (null). They are added with <see cref="GroupOptions.RewardWeights"/>; awaited ones run at the
    /// same time.
    /// </param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public RlooTrainer Rloo(
        IReadOnlyList<RewardFunction> rewards, RlooOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "RLOO", null, trainingData, reference, progress, cancel), Require.NotNull(rewards),
            options ?? new RlooOptions());

    /// <summary>REINFORCE leave-one-out of a model, which is also the reference unless one is given.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="rewards">At least one; null = the nearest reward model upstream.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="reference">What the policy is held against; null = the model that training starts from.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    /// <exception cref="NotSupportedException">Options do not go together yet; the message says what to do.</exception>
    public RlooTrainer Rloo(
        ModelSource source, IReadOnlyList<RewardFunction>? rewards = null, RlooOptions? options = null,
        IDataView? trainingData = null, ModelSource? reference = null, IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(
            new StageContext(_ml, "RLOO", Given(source), trainingData, reference, progress, cancel), rewards, options ?? new RlooOptions());
}
