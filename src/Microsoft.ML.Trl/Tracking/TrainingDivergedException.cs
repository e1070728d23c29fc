using System.Globalization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Loss or gradient norm is no finite number, or the weights were not before the first step. The weights are those of the last good
/// step: the bad one was not applied.
/// </summary>
public sealed class TrainingDivergedException : InvalidOperationException, IPartialModel
{
    private const string UsualAdvice =
        "Lower LearningRate, add WarmupSteps, keep MaxGradNorm at 1 or below, and look for broken rows in the data.";

    private readonly string _figures = "";

    /// <summary>A diagnosis made from the figures of the step.</summary>
    /// <param name="step">The optimizer step that was refused, counted from 1.</param>
    /// <param name="loss">Its loss.</param>
    /// <param name="gradientNorm">Its gradient norm before clipping.</param>
    /// <param name="learningRate">The rate it would have used.</param>
    public TrainingDivergedException(int step, double loss, double gradientNorm, double learningRate)
        : this(step, Figures(step, loss, gradientNorm, learningRate) + UsualAdvice) =>
        _figures = Figures(step, loss, gradientNorm, learningRate);

    /// <summary>A diagnosis in the caller's words.</summary>
    /// <param name="step">The step that was refused, counted from 1.</param>
    /// <param name="message">What went wrong, and what to do.</param>
    public TrainingDivergedException(int step, string message) : base(message) => Step = step;

    /// <summary>The step that was refused, counted from 1.</summary>
    public int Step { get; }

    /// <summary>The model as of the last good step; null where no estimator ran the training.</summary>
    public ITransformer? Model { get; set; }

    /// <summary>The same figures with another cause than usual.</summary>
    internal TrainingDivergedException Blaming(string cause) => new(Step, _figures + cause);

    private static string Figures(int step, double loss, double gradientNorm, double learningRate) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"Step {step} diverged: loss {loss:G6}, gradient norm {gradientNorm:G6}, learning rate {learningRate:G3}. ")
        + $"The step was not applied, the model keeps the weights of step {step - 1}. ";
}
