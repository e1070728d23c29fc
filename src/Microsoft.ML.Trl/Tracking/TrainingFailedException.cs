namespace Microsoft.ML.Trl;

/// <summary>
/// Something else than the training itself failed: the caller's progress callback or a callback of the options threw, an evaluation
/// failed, memory ended, a disk was full. The weights are those of the last finished step.
/// </summary>
public sealed class TrainingFailedException : InvalidOperationException, IPartialModel
{
    /// <summary>Names the stage and the step, and keeps the cause.</summary>
    /// <param name="stage">Who was training, such as <c>SFT</c>.</param>
    /// <param name="step">Optimizer steps finished.</param>
    /// <param name="what">What failed, such as <c>the progress callback</c>.</param>
    /// <param name="cause">What it threw.</param>
    public TrainingFailedException(string stage, int step, string what, Exception cause)
        : base(
            $"{stage} ended after step {step}: {what} threw {Named(cause)} "
            + "The exception's Model property holds the model as of that step.",
            cause) =>
        Step = step;

    /// <summary>Optimizer steps finished.</summary>
    public int Step { get; }

    /// <summary>The model as of the last finished step; null where no estimator ran the training.</summary>
    public ITransformer? Model { get; set; }

    private static string Named(Exception? cause) => $"{cause?.GetType().Name}: {cause?.Message}";
}
