using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

/// <summary>Makes the estimators of post-training. Get it with <c>ml.Trl()</c>; each stage works alone or appended to others.</summary>
public sealed partial class TrlCatalog
{
    private readonly MLContext _ml;

    internal TrlCatalog(MLContext ml) => _ml = ml;

    /// <summary>Supervised fine-tuning of the nearest policy upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as the policy upstream does.</param>
    /// <param name="trainingData">Data of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    [OverloadResolutionPriority(1)] // so that new() means options
    public SftTrainer Sft(
        SftOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new Stage(_ml, "SFT", trainingData, progress, cancel), null, options ?? new SftOptions(), generation);

    /// <summary>Supervised fine-tuning of a model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as the source does.</param>
    /// <param name="trainingData">Data of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    public SftTrainer Sft(
        ModelSource source,
        SftOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new(new Stage(_ml, "SFT", trainingData, progress, cancel), source, options ?? new SftOptions(), generation);
    }

    /// <summary>A reward model that begins with the nearest policy upstream.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    [OverloadResolutionPriority(1)] // so that new() means options
    public RewardTrainer RewardModel(
        RewardOptions? options = null, IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default) =>
        new(new Stage(_ml, "Reward", trainingData, progress, cancel), null, options ?? new RewardOptions());

    /// <summary>A reward model that begins with a policy, which gets a fresh scoring head, or with a reward model.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    public RewardTrainer RewardModel(
        ModelSource source, RewardOptions? options = null, IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new(new Stage(_ml, "Reward", trainingData, progress, cancel), source, options ?? new RewardOptions());
    }

    /// <summary>Direct preference optimisation of the nearest policy upstream, which is also the reference.</summary>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as the policy upstream does.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    [OverloadResolutionPriority(1)] // so that new() means options
    public DpoTrainer Dpo(
        DpoOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default) =>
        new(new Stage(_ml, "DPO", trainingData, progress, cancel), null, options ?? new DpoOptions(), generation);

    /// <summary>Direct preference optimisation of a model, which is also the reference.</summary>
    /// <param name="source">The model to start from.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="generation">How the fitted stage answers prompts; null = as the source does.</param>
    /// <param name="trainingData">Pairs of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report, on the training thread.</param>
    /// <param name="cancel">Ends training within one step.</param>
    public DpoTrainer Dpo(
        ModelSource source,
        DpoOptions? options = null,
        GenerationOptions? generation = null,
        IDataView? trainingData = null,
        IProgress<StepReport>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new(new Stage(_ml, "DPO", trainingData, progress, cancel), source, options ?? new DpoOptions(), generation);
    }
}
