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
    private readonly MemorySaving? _memory;
    private (double Loss, double Rate) _pass; // the backward pass that runs now

    /// <param name="parameters">What to train, each tensor once.</param>
    /// <param name="options">Update rule, schedule, clipping and scaling of losses.</param>
    /// <param name="totalSteps">Length of the schedule.</param>
    /// <param name="memory">Which blocks are trained when, and when they are updated; null = all, at the end.</param>
    /// <exception cref="InvalidOperationException"><see cref="TrainingOptions.OptimizerFactory"/> failed.</exception>
    /// <exception cref="IOException"><see cref="TrainingOptions.OptimizerStateFolder"/> is not there, or the disk is full.</exception>
    public GradientStep(
        IReadOnlyList<TrainedParameter> parameters, TrainingOptions options, int totalSteps, MemorySaving? memory = null)
    {
        (_maxGradNorm, _memory) = (options.MaxGradNorm, memory);
        _schedule = LearningRateSchedule.Of(options, totalSteps);
        Scaler = options.Fp16 ? new LossScaler() : null;
        _optimizer = new OptimizerParts(parameters, memory?.Parts ?? [], (trained, part) => new Optimizer(
            trained,
            options.UpdateSettings with { Seed = unchecked(options.Seed + part) },
            options.OptimizerFactory is { } factory ? new UserRule(factory, options.LearningRate) : null));
        memory?.UpdateInBackward(UpdateBlock);
    }

    /// <summary>Updates done.</summary>
    public int Number { get; private set; }

    /// <summary>Rate of the next update.</summary>
    public double LearningRate => _schedule.At(Number);

    /// <summary>What scales losses; null = nothing does.</summary>
    public LossScaler? Scaler { get; }

    /// <summary>Bytes of the optimizer's state.</summary>
    public long StateBytes => _optimizer.StateBytes;

    /// <summary>To be called before the first pass of a step, where blocks are trained or updated by themselves.</summary>
    public void Begin()
    {
        _memory?.NextStep();
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
        (Scaler is null ? loss : loss * Scaler.Scale).backward();
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
    /// <returns>Euclidean norm of the gradient before clipping; no finite number where the update was skipped.</returns>
    /// <exception cref="TrainingDivergedException">
    /// Loss or norm is not finite; no weight was changed, unless blocks are updated in the backward pass.
    /// </exception>
    public double Update(double loss) => Update(loss, LearningRate, _maxGradNorm);

    /// <summary>As <see cref="Update(double)"/>, with a rate and a limit that the caller chooses instead of schedule and options.</summary>
    /// <param name="loss">Loss of the whole step, for the check and the message.</param>
    /// <param name="learningRate">Rate of this update.</param>
    /// <param name="maxGradNorm">Largest gradient norm; 0 = no limit.</param>
    /// <returns>Euclidean norm of the gradient before clipping; no finite number where the update was skipped.</returns>
    /// <inheritdoc cref="Update(double)" path="/exception"/>
    public double Update(double loss, double learningRate, double maxGradNorm)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        double scale = Scaler?.Scale ?? 1, norm = _optimizer.GradientNorm() / scale;
        if (!double.IsFinite(norm) || !double.IsFinite(loss))
            return Refuse(loss, norm, learningRate);
        bool clips = maxGradNorm > 0 && norm > maxGradNorm;
        _optimizer.Step(learningRate, clips ? scale * (norm + 1e-6) / maxGradNorm : scale); // as torch's clip_grad_norm_
        _optimizer.ClearGradients();
        Scaler?.NoteGood();
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

    /// <summary>Leaves the weights as they are: an overflow of float16 costs an update, anything else ends the run.</summary>
    private double Refuse(double loss, double norm, double learningRate)
    {
        TrainingDivergedException failure = Diverged(loss, norm, learningRate);
        _optimizer.ClearGradients();
        Scaler?.NoteOverflow();
        return Scaler is { IsExhausted: false } && double.IsFinite(loss) ? norm : throw failure;
    }

    private TrainingDivergedException Diverged(double loss, double norm, double rate) =>
        new(Number + 1, loss, norm, rate, _optimizer.Updated);
}
