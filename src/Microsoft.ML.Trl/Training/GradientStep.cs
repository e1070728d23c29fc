using System.Runtime.ExceptionServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Backward passes, then one update: accumulate → norm → clip → step → free the gradients. Owns the optimizer's state.</summary>
internal sealed class GradientStep : IDisposable
{
    private readonly double _maxGradNorm;
    private readonly LearningRateSchedule _schedule;
    private readonly OptimizerParts _optimizer;
    private readonly MemoryPlan? _memory;
    private (double Loss, double Rate) _pass; // the backward pass that runs now

    /// <param name="parameters">What to train; a tensor that stands there twice is trained once, one without gradient not at all.</param>
    /// <param name="options">Update rule, schedule and clipping.</param>
    /// <param name="totalSteps">Length of the schedule.</param>
    /// <param name="adapters">Say whose parameters learn at other rates; null = none.</param>
    /// <param name="memory">Which blocks are trained when, and when they are updated; null = all, at the end.</param>
    public GradientStep(
        IEnumerable<Tensor> parameters, TrainingOptions options, int totalSteps, IModelAdapters? adapters = null, MemoryPlan? memory = null)
    {
        (_maxGradNorm, _memory) = (options.MaxGradNorm, memory);
        _schedule = LearningRateSchedule.Of(options, totalSteps);
        _optimizer = new OptimizerParts(
            parameters, memory?.Parts ?? [], trained => new Optimizer(trained, options, parameter => adapters?.RateOf(parameter) ?? 1));
        memory?.UpdateInBackward(UpdateBlock);
    }

    /// <summary>Updates done.</summary>
    public int Number { get; private set; }

    /// <summary>Rate of the next update.</summary>
    public double LearningRate => _schedule.At(Number);

    /// <summary>To be called before the first pass of a step.</summary>
    public void Begin()
    {
        if (_memory?.NextStep() == true)
            _optimizer.Renew();
    }

    /// <summary>Adds the gradient of a loss. The caller has scaled it, so that the parts of a step add up to its mean.</summary>
    /// <param name="loss">A scalar.</param>
    /// <param name="learningRate">Rate of the update of this step; null = that of the schedule.</param>
    /// <exception cref="TrainingDivergedException">Weights are updated in this pass, and something in it is not finite.</exception>
    public void Accumulate(Tensor loss, double? learningRate = null)
    {
        using DisposeScope scope = NewDisposeScope();
        _optimizer.CollectGradients();
        if (_memory?.UpdatesInBackward == true)
        {
            _pass = (loss.item<float>(), learningRate ?? LearningRate);
            if (!double.IsFinite(_pass.Loss))
                throw Diverged(_pass.Loss, double.NaN, _pass.Rate);
        }
        loss.backward();
        HandedGradients.Drop();
        if (_memory?.EndPass() is not { } failure)
            return;
        int updated = _optimizer.Updated;
        _optimizer.ClearGradients();
        if (failure is not TrainingDivergedException && updated > 0)
            failure = new InvalidOperationException(
                $"The backward pass failed when {updated} blocks had been updated (OptimizerInBackward): the step is half done.", failure);
        ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Updates the parameters with what was accumulated, and frees the gradients.</summary>
    /// <param name="loss">Loss of the whole step, for the check and the message.</param>
    /// <returns>Euclidean norm of the gradient before clipping.</returns>
    /// <exception cref="TrainingDivergedException">
    /// Loss or norm is not finite; no weight was changed, unless blocks are updated in the backward pass.
    /// </exception>
    public double Update(double loss) => Update(loss, LearningRate, _maxGradNorm);

    /// <summary>As <see cref="Update(double)"/>, with a rate and a limit that the caller chooses instead of schedule and options.</summary>
    /// <param name="loss">Loss of the whole step, for the check and the message.</param>
    /// <param name="learningRate">Rate of this update.</param>
    /// <param name="maxGradNorm">Largest gradient norm; 0 = no limit.</param>
    /// <returns>Euclidean norm of the gradient before clipping.</returns>
    /// <inheritdoc cref="Update(double)" path="/exception"/>
    public double Update(double loss, double learningRate, double maxGradNorm)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        double norm = _optimizer.GradientNorm();
        if (!double.IsFinite(norm) || !double.IsFinite(loss))
        {
            TrainingDivergedException failure = Diverged(loss, norm, learningRate);
            _optimizer.ClearGradients();
            throw failure;
        }
        bool clips = maxGradNorm > 0 && norm > maxGradNorm;
        _optimizer.Step(learningRate, clips ? (norm + 1e-6) / maxGradNorm : 1); // as torch.nn.utils.clip_grad_norm_
        _optimizer.ClearGradients();
        Number++;
        return norm;
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();

    private void UpdateBlock(Block block)
    {
        double norm = _optimizer.GradientNorm(block);
        if (!double.IsFinite(norm))
            throw Diverged(_pass.Loss, norm, _pass.Rate);
        _optimizer.Step(block, _pass.Rate, norm);
    }

    private TrainingDivergedException Diverged(double loss, double norm, double rate) =>
        new(Number + 1, loss, norm, rate, _optimizer.Updated);
}
