using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Evaluation during training, and callbacks. Of <c>Fit</c>: sessions whose loop is the caller's have no use for them. Immutable; make
/// variants with <c>with</c>.
/// </summary>
public abstract record EvaluatedOptions
{
    private protected EvaluatedOptions() { }

    /// <summary>
    /// When the model is evaluated on <see cref="EvaluationData"/>. The figures are those of the method with the prefix <c>eval_</c>, in a
    /// report of their own: means over all examples (or tokens) of the data, whatever the batch size; without gradient, dropout and noise.
    /// Evaluating changes nothing in training.
    /// </summary>
    public EvalStrategy EvalStrategy { get; init; }

    /// <summary>
    /// Steps between two evaluations of <see cref="Trl.EvalStrategy.Steps"/>; below 1, a share of the run. Greater than 0. Null =
    /// <c>LoggingSteps</c>.
    /// </summary>
    public double? EvalSteps { get; init; }

    /// <summary>Evaluate before the first step too, as step 0; it is no candidate for the best model.</summary>
    public bool EvalOnStart { get; init; }

    /// <summary>Examples (pairs, prompts) per forward pass of an evaluation. At least 1.</summary>
    public int PerDeviceEvalBatchSize { get; init; } = 8;

    /// <summary>
    /// Held-out data, with the columns of the training data; read once, before the first step. What stages upstream do to the training data
    /// must have been done to them. Not part of the options' JSON. Null = none.
    /// </summary>
    [JsonIgnore]
    public IDataView? EvaluationData { get; init; }

    /// <summary>
    /// Let the fitted model have the weights of the step whose evaluation was best, instead of the last. They are kept in the memory of the
    /// machine: once as much as what is trained. Not with <see cref="TrainingOptions.WeightAveraging"/>.
    /// </summary>
    public bool LoadBestModelAtEnd { get; init; }

    /// <summary>
    /// Which figure of the evaluations says how good a model is, with or without <c>eval_</c>. Null = <c>loss</c>; of methods that are
    /// told how good answers are, such as PPO, <c>reward</c>; of those whose answers are compared, such as online DPO, <c>win_rate</c>; of
    /// DDPO <c>reward_mean</c>.
    /// </summary>
    public string? MetricForBestModel { get; init; }

    /// <summary>Whether that figure should be large. Null = yes, unless its name ends with <c>loss</c>.</summary>
    public bool? GreaterIsBetter { get; init; }

    /// <summary>
    /// End training after so many evaluations in a row that were not better than the best one before: transformers'
    /// EarlyStoppingCallback. At least 1; null = never.
    /// </summary>
    public int? EarlyStoppingPatience { get; init; }

    /// <summary>By how much the figure must be better to count for <see cref="EarlyStoppingPatience"/>. At least 0.</summary>
    public double EarlyStoppingThreshold { get; init; }

    /// <summary>Code of your own that is called during training, in this order. Not part of the options' JSON.</summary>
    [JsonIgnore]
    public IReadOnlyList<ITrainingCallback> Callbacks { get; init; } = [];

    /// <summary>Whether something may be evaluated in a run.</summary>
    internal bool MayEvaluate => EvalStrategy != EvalStrategy.No || EvalOnStart || Callbacks.Count > 0;

    /// <summary>The figure that says how good a model is, without prefix.</summary>
    internal string BestMetricName => MetricForBestModel is not { } given ? UsualBestMetric
        : given.StartsWith(EvalPrefix, StringComparison.Ordinal) ? given[EvalPrefix.Length..] : given;

    /// <summary>Whether larger figures are better.</summary>
    internal bool LargerIsBetter => GreaterIsBetter ?? !BestMetricName.EndsWith("loss", StringComparison.Ordinal);

    /// <summary>What stands before the names of figures of evaluations.</summary>
    internal const string EvalPrefix = "eval_";

    private protected virtual string UsualBestMetric => "loss";

    /// <summary>Fails where there is nothing to evaluate on.</summary>
    /// <exception cref="ArgumentException">Evaluations are asked for, and there are no data for them.</exception>
    internal void RequireEvaluationData()
    {
        if (EvaluationData is null && (EvalStrategy != EvalStrategy.No || EvalOnStart))
            throw new ArgumentException(
                $"{(EvalStrategy != EvalStrategy.No ? $"EvalStrategy is {EvalStrategy}" : "EvalOnStart is true")}, but there is nothing to "
                + "evaluate on; set EvaluationData, or EvalStrategy to No and EvalOnStart to false.", nameof(EvaluationData));
    }

    /// <summary>Those of these that change nothing in a run with the others, each with the reason.</summary>
    private protected IEnumerable<string> EvaluationWithoutEffect()
    {
        if (EvalSteps is not null && EvalStrategy != EvalStrategy.Steps)
            yield return $"EvalSteps with EvalStrategy {EvalStrategy}";
        if (EvaluationData is not null && !MayEvaluate)
            yield return "EvaluationData with EvalStrategy No";
        if (PerDeviceEvalBatchSize != 8 && !MayEvaluate)
            yield return "PerDeviceEvalBatchSize with EvalStrategy No";
        if ((MetricForBestModel is not null || GreaterIsBetter is not null) && !LoadBestModelAtEnd && EarlyStoppingPatience is null)
            yield return "MetricForBestModel and GreaterIsBetter without LoadBestModelAtEnd or EarlyStoppingPatience";
        if (EarlyStoppingThreshold != 0 && EarlyStoppingPatience is null)
            yield return "EarlyStoppingThreshold without EarlyStoppingPatience";
    }

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first of these out of its range.</summary>
    private protected void ValidateEvaluation()
    {
        Require.Known(EvalStrategy);
        Require.Positive(EvalSteps);
        Require.AtLeast(PerDeviceEvalBatchSize, 1);
        Require.AtLeast(EarlyStoppingPatience, 1);
        Require.NotNegative(EarlyStoppingThreshold);
        ArgumentNullException.ThrowIfNull(Callbacks);
        if (Callbacks.Any(callback => callback is null))
            throw new ArgumentException("Callbacks holds null; leave it out.", nameof(Callbacks));
        if (MetricForBestModel is not null && string.IsNullOrWhiteSpace(BestMetricName))
            throw new ArgumentException(
                "MetricForBestModel is empty; give the name of a figure, such as loss, or null.", nameof(MetricForBestModel));
        string? judged = LoadBestModelAtEnd ? nameof(LoadBestModelAtEnd)
            : EarlyStoppingPatience is { } patience ? $"{nameof(EarlyStoppingPatience)} ({patience})" : null;
        if (judged is not null && EvalStrategy == EvalStrategy.No && Callbacks.Count == 0)
            throw new ArgumentException(
                $"{judged} goes by evaluations, and EvalStrategy is No; set it to Steps or Epoch.", nameof(EvalStrategy));
    }
}
