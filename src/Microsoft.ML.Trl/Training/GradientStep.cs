using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Backward passes, then one update: accumulate → norm → clip → step → free the gradients. Owns the optimizer's state.</summary>
internal sealed class GradientStep : IDisposable
{
    private readonly double _maxGradNorm;
    private readonly LearningRateSchedule _schedule;
    private readonly Optimizer _optimizer;

    /// <param name="parameters">What to train; a tensor that stands there twice is trained once, one without gradient not at all.</param>
    /// <param name="options">Update rule, schedule and clipping.</param>
    /// <param name="totalSteps">Length of the schedule.</param>
    /// <param name="adapters">Say whose parameters learn at other rates; null = none.</param>
    public GradientStep(IEnumerable<Tensor> parameters, TrainingOptions options, int totalSteps, IModelAdapters? adapters = null)
    {
        _maxGradNorm = options.MaxGradNorm;
        _schedule = LearningRateSchedule.Of(options, totalSteps);
        _optimizer = new Optimizer(
            [.. parameters.Where(parameter => parameter.requires_grad).DistinctBy(parameter => parameter.Handle)], options,
            parameter => adapters?.RateOf(parameter) ?? 1);
    }

    /// <summary>Updates done.</summary>
    public int Number { get; private set; }

    /// <summary>Rate of the next update.</summary>
    public double LearningRate => _schedule.At(Number);

    /// <summary>Adds the gradient of a loss. The caller has scaled it, so that the parts of a step add up to its mean.</summary>
    /// <param name="loss">A scalar.</param>
    public void Accumulate(Tensor loss)
    {
        using DisposeScope scope = NewDisposeScope();
        _optimizer.CollectGradients();
        loss.backward();
        HandedGradients.Drop();
    }

    /// <summary>Updates the parameters with what was accumulated, and frees the gradients.</summary>
    /// <param name="loss">Loss of the whole step, for the check and the message.</param>
    /// <returns>Euclidean norm of the gradient before clipping.</returns>
    /// <exception cref="TrainingDivergedException">Loss or norm is not finite; no weight was changed.</exception>
    public double Update(double loss) => Update(loss, LearningRate, _maxGradNorm);

    /// <summary>As <see cref="Update(double)"/>, with a rate and a limit that the caller chooses instead of schedule and options.</summary>
    /// <param name="loss">Loss of the whole step, for the check and the message.</param>
    /// <param name="learningRate">Rate of this update.</param>
    /// <param name="maxGradNorm">Largest gradient norm; 0 = no limit.</param>
    /// <returns>Euclidean norm of the gradient before clipping.</returns>
    /// <exception cref="TrainingDivergedException">Loss or norm is not finite; no weight was changed.</exception>
    public double Update(double loss, double learningRate, double maxGradNorm)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        double norm = _optimizer.GradientNorm();
        if (!double.IsFinite(norm) || !double.IsFinite(loss))
        {
            _optimizer.ClearGradients();
            throw new TrainingDivergedException(Number + 1, loss, norm, learningRate);
        }
        bool clips = maxGradNorm > 0 && norm > maxGradNorm;
        _optimizer.Step(Number + 1, learningRate, clips ? (norm + 1e-6) / maxGradNorm : 1); // as torch.nn.utils.clip_grad_norm_
        _optimizer.ClearGradients();
        Number++;
        return norm;
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();
}
