namespace Microsoft.ML.Trl;

/// <summary>Training was cancelled before the first step or between two. The weights are those of the last finished one.</summary>
public sealed class TrainingCanceledException : OperationCanceledException, IPartialModel
{
    /// <summary>Names the stage and the step.</summary>
    /// <param name="stage">Who was training, such as <c>SFT</c>.</param>
    /// <param name="step">Optimizer steps finished.</param>
    /// <param name="totalSteps">Optimizer steps of the whole run.</param>
    /// <param name="cancel">The token that asked for it.</param>
    public TrainingCanceledException(string stage, int step, int totalSteps, CancellationToken cancel)
        : base(
            $"{stage} was cancelled after step {step} of {totalSteps}. "
            + "The exception's Model property holds the model as of that step.",
            cancel) =>
        Step = step;

    /// <summary>Cancelled before the first step, while rows were read or a reference was computed.</summary>
    /// <param name="stage">Who was about to train.</param>
    /// <param name="cancel">The token that asked for it.</param>
    public TrainingCanceledException(string stage, CancellationToken cancel)
        : base(
            $"{stage} was cancelled before its first step. The exception's Model property holds the model that it began with.", cancel) { }

    /// <summary>Optimizer steps finished.</summary>
    public int Step { get; }

    /// <summary>The model as of the last finished step; null where no estimator ran the training.</summary>
    public ITransformer? Model { get; set; }
}
