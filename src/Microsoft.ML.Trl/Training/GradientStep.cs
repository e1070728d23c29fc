using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Backward passes, then one update: accumulate → norm → clip → step → free the gradients. Owns the optimizer's memory.</summary>
internal sealed class GradientStep : IDisposable
{
    private readonly OptimizerSettings _settings;
    private readonly LearningRateSchedule _schedule;
    private readonly IParameterUpdate _update;
    private readonly Tensor[] _parameters;

    /// <param name="parameters">What to train; a tensor that stands there twice is trained once, one that needs no gradient not at all.</param>
    /// <param name="settings">Update rule and its numbers.</param>
    /// <param name="schedule">Rate of each step.</param>
    public GradientStep(IEnumerable<Tensor> parameters, OptimizerSettings settings, LearningRateSchedule schedule)
    {
        _parameters = [.. parameters.Where(parameter => parameter.requires_grad).DistinctBy(parameter => parameter.Handle)];
        _settings = settings;
        _schedule = schedule;
        _update = ParameterUpdates.Create(_parameters, settings);
    }

    /// <summary>For all parameters of a module, as the options say.</summary>
    public static GradientStep For(nn.Module module, TrainingOptions options, int totalSteps) => new(
        module.parameters(),
        OptimizerSettings.From(options),
        new LearningRateSchedule(options.LrSchedulerType, options.LearningRate, options.WarmupSteps, totalSteps, options.LrSchedulerKwargs));

    /// <summary>Updates done.</summary>
    public int Number { get; private set; }

    /// <summary>Backward passes since the last update.</summary>
    public int Pending { get; private set; }

    /// <summary>Rate of the next update.</summary>
    public double LearningRate => _schedule.At(Number);

    /// <summary>Adds the gradient of a loss. The caller has scaled it, so that the parts of a step add up to its mean.</summary>
    /// <param name="loss">A scalar.</param>
    public void Accumulate(Tensor loss)
    {
        using DisposeScope scope = NewDisposeScope();
        loss.backward();
        HandedGradients.Drop();
        Pending++;
    }

    /// <summary>Adds a gradient that is already known at some tensor of the graph.</summary>
    /// <param name="output">Any shape.</param>
    /// <param name="gradient">Same shape: derivative of the loss by <paramref name="output"/>.</param>
    public void Accumulate(Tensor output, Tensor gradient)
    {
        using DisposeScope scope = NewDisposeScope();
        autograd.backward([output], [gradient]);
        HandedGradients.Drop();
        Pending++;
    }

    /// <summary>Updates the parameters with what was accumulated, and frees the gradients.</summary>
    /// <param name="loss">Loss of the whole step, for the check and the message.</param>
    /// <returns>Euclidean norm of the gradient before clipping.</returns>
    /// <exception cref="TrainingDivergedException">Loss or norm is not finite; no weight was changed.</exception>
    public double Step(double loss) => Step(loss, LearningRate, _settings.MaxGradNorm);

    /// <summary>As <see cref="Step(double)"/>, with a rate and a limit that the caller chooses instead of schedule and settings.</summary>
    /// <param name="loss">Loss of the whole step, for the check and the message.</param>
    /// <param name="learningRate">Rate of this update.</param>
    /// <param name="maxGradNorm">Longest gradient; 0 = no limit.</param>
    /// <returns>Euclidean norm of the gradient before clipping.</returns>
    /// <exception cref="TrainingDivergedException">Loss or norm is not finite; no weight was changed.</exception>
    public double Step(double loss, double learningRate, double maxGradNorm)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        double norm = _update.GradientNorm();
        if (!double.IsFinite(norm) || !double.IsFinite(loss))
        {
            Forget();
            throw new TrainingDivergedException(Number + 1, loss, norm, learningRate);
        }
        double scale = maxGradNorm > 0 && norm > maxGradNorm ? maxGradNorm / (norm + 1e-6) : 1;
        _update.Apply(Number + 1, learningRate, scale);
        Forget();
        Number++;
        return norm;
    }

    /// <summary>Drops accumulated gradients without a step.</summary>
    public void Forget()
    {
        foreach (Tensor parameter in _parameters)
            parameter.grad = null!;
        Pending = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _update.Dispose();
}
