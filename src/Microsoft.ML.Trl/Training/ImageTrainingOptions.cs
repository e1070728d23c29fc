using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Evaluation during training, and callbacks, of the stages that train a diffusion model. Immutable; make variants with <c>with</c>.
/// </summary>
public abstract record ImageTrainingOptions
{
    /// <inheritdoc cref="TrainingOptions.EvalStrategy"/>
    public EvalStrategy EvalStrategy { get; init; }

    /// <inheritdoc cref="TrainingOptions.EvalSteps"/>
    public double? EvalSteps { get; init; }

    /// <inheritdoc cref="TrainingOptions.EvalOnStart"/>
    public bool EvalOnStart { get; init; }

    /// <summary>Images per forward pass of an evaluation. At least 1.</summary>
    public int PerDeviceEvalBatchSize { get; init; } = 8;

    /// <inheritdoc cref="TrainingOptions.EvaluationData"/>
    [JsonIgnore]
    public IDataView? EvaluationData { get; init; }

    /// <inheritdoc cref="TrainingOptions.LoadBestModelAtEnd"/>
    public bool LoadBestModelAtEnd { get; init; }

    /// <summary>
    /// Which figure of the evaluations says how good a model is, with or without <c>eval_</c>. Null = <c>loss</c>; of DDPO,
    /// <c>reward_mean</c>.
    /// </summary>
    public string? MetricForBestModel { get; init; }

    /// <inheritdoc cref="TrainingOptions.GreaterIsBetter"/>
    public bool? GreaterIsBetter { get; init; }

    /// <inheritdoc cref="TrainingOptions.EarlyStoppingPatience"/>
    public int? EarlyStoppingPatience { get; init; }

    /// <inheritdoc cref="TrainingOptions.EarlyStoppingThreshold"/>
    public double EarlyStoppingThreshold { get; init; }

    /// <summary>
    /// Code of your own that is called during training, in this order; it sees no policy that writes. Not part of the options' JSON.
    /// </summary>
    [JsonIgnore]
    public IReadOnlyList<ITrainingCallback> Callbacks { get; init; } = [];

    /// <summary>What loop and step are told, with these.</summary>
    private protected NetworkTraining Evaluating(NetworkTraining training) => training with
    {
        EvalStrategy = EvalStrategy,
        EvalSteps = EvalSteps,
        EvalOnStart = EvalOnStart,
        PerDeviceEvalBatchSize = PerDeviceEvalBatchSize,
        EvaluationData = EvaluationData,
        LoadBestModelAtEnd = LoadBestModelAtEnd,
        MetricForBestModel = MetricForBestModel,
        GreaterIsBetter = GreaterIsBetter,
        EarlyStoppingPatience = EarlyStoppingPatience,
        EarlyStoppingThreshold = EarlyStoppingThreshold,
        Callbacks = Callbacks,
    };
}
