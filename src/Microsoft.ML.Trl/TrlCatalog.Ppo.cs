using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

/// <content>Proximal policy optimisation.</content>
public sealed partial class TrlCatalog
{
    /// <summary>PPO on the nearest policy upstream, with the nearest reward model upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as in training.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    [OverloadResolutionPriority(1)] // so that new() means options
    public PpoTrainer Ppo(
        PpoOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new Stage(_ml, "PPO", trainingData, progress, cancel), null, null, options ?? new PpoOptions(), generation);

    /// <summary>PPO on the nearest policy upstream, with a function of prompt and response as reward.</summary>
    /// <param name="reward">Higher is better; must return finite numbers. Called row after row.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as in training.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    public PpoTrainer Ppo(
        Func<string, string, double> reward,
        PpoOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) => Ppo(RewardFunction.Of(reward), options, generation, trainingData, progress, cancel);

    /// <summary>PPO on the nearest policy upstream, with a function that takes its time as reward.</summary>
    /// <param name="reward">Higher is better; must return finite numbers. The rows of a batch are asked for at once.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as in training.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    public PpoTrainer Ppo(
        Func<string, string, CancellationToken, Task<double>> reward,
        PpoOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) => Ppo(RewardFunction.OfAsync(reward), options, generation, trainingData, progress, cancel);

    /// <summary>PPO on the nearest policy upstream, with a column of numbers that a transformer makes as reward.</summary>
    /// <param name="reward">Is given the text columns <c>Prompt</c>, <c>Completion</c> and <c>Text</c>, which is both in one; its <c>Score</c> (or <c>Probability</c>) counts. See <see cref="RewardFunction.FromTransformer"/> for others.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as in training.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    public PpoTrainer Ppo(
        ITransformer reward,
        PpoOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) => Ppo(RewardFunction.FromTransformer(reward), options, generation, trainingData, progress, cancel);

    /// <summary>PPO on the nearest policy upstream.</summary>
    /// <param name="reward">Any reward, such as a weighted sum.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as in training.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    public PpoTrainer Ppo(
        RewardFunction reward,
        PpoOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(reward);
        return new(new Stage(_ml, "PPO", trainingData, progress, cancel), null, reward, options ?? new PpoOptions(), generation);
    }

    /// <summary>PPO on a model, which is also the reference.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="reward">Any reward; null = the nearest reward model upstream.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as in training.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    public PpoTrainer Ppo(
        ModelSource source,
        RewardFunction? reward = null,
        PpoOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new(new Stage(_ml, "PPO", trainingData, progress, cancel), source, reward, options ?? new PpoOptions(), generation);
    }
}
