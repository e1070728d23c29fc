using System.Globalization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Loss or gradient norm is no finite number, or the weights were not before the first step. The weights are those of the last good
/// step: the bad one was not applied. Only with <see cref="TrainingOptions.OptimizerInBackward"/> it may be half done; the message says so.
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
        : this(step, loss, gradientNorm, learningRate, updatedBlocks: 0) { }

    /// <summary>The same, when some blocks were updated before it was seen.</summary>
    internal TrainingDivergedException(int step, double loss, double gradientNorm, double learningRate, int updatedBlocks)
        : this(step, Figures(step, loss, gradientNorm, learningRate) + Kept(step, updatedBlocks) + UsualAdvice) =>
        (_figures, IsHalfDone) = (Figures(step, loss, gradientNorm, learningRate), updatedBlocks > 0);

    /// <summary>A diagnosis in the caller's words.</summary>
    /// <param name="step">The step that was refused, counted from 1.</param>
    /// <param name="message">What went wrong, and what to do.</param>
    public TrainingDivergedException(int step, string message) : base(message) => Step = step;

    /// <summary>The step that was refused, counted from 1.</summary>
    public int Step { get; }

    /// <summary>The model as of the last good step; null where no estimator ran the training.</summary>
    public ITransformer? Model { get; set; }

    /// <summary>Whether some weights were updated in the step.</summary>
    internal bool IsHalfDone { get; }

    /// <summary>The same figures with another cause than usual; the step was not applied, or taken back.</summary>
    internal TrainingDivergedException Blaming(string cause) => new(Step, _figures + Kept(Step, 0) + cause);

    /// <summary>The same, after all weights were set back.</summary>
    internal TrainingDivergedException TakenBack() => Blaming(UsualAdvice);

    private static string Figures(int step, double loss, double gradientNorm, double learningRate) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"Step {step} diverged: loss {loss:G6}, gradient norm {gradientNorm:G6}, learning rate {learningRate:G3}. ");

    private static string Kept(int step, int updatedBlocks) => updatedBlocks == 0
        ? $"The step was not applied, the model keeps the weights of step {step - 1}. "
        : $"OptimizerInBackward had updated {updatedBlocks} of the blocks before this was seen: the step is half done, and the weights are "
            + $"neither those of step {step - 1} nor of step {step}. Train again from the start. ";
}
