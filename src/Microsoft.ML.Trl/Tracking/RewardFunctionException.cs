namespace Microsoft.ML.Trl;

/// <summary>
/// The caller's reward function threw or returned no finite number, or a judge threw or gave no verdict. The weights are those of the last
/// finished step.
/// </summary>
public sealed class RewardFunctionException : InvalidOperationException, IPartialModel
{
    /// <summary>Names the step and keeps the cause.</summary>
    /// <param name="step">The step that asked for the rewards, counted from 1; 0 outside of training.</param>
    /// <param name="message">What the function was given, and what it did.</param>
    /// <param name="cause">What the function threw, where it threw.</param>
    public RewardFunctionException(int step, string message, Exception? cause = null)
        : base(
            step > 0 ? $"Step {step}: {message} The model keeps the weights of step {step - 1}." : $"Outside of training {message}",
            cause) => Step = step;

    /// <summary>The step that asked for the rewards, counted from 1.</summary>
    public int Step { get; }

    /// <summary>The model as of the last finished step; null where no estimator ran the training.</summary>
    public ITransformer? Model { get; set; }
}
