using System.Diagnostics;

namespace Microsoft.ML.Trl;

/// <summary>
/// DDPO one epoch at a time, for those who score images in a way of their own: <see cref="Sample"/>, score, <see cref="Step"/>. The numbers
/// are those of TRL v0.11.4's <c>DDPOTrainer.step</c>.
/// </summary>
/// <remarks>One thread at a time. Between two calls only weights, the optimizer's state and a few numbers are alive.</remarks>
public sealed class DdpoSession : IDisposable
{
    private readonly DiffusionModel _model;
    private readonly IDisposable _use;
    private readonly DdpoOptions _options;
    private readonly DdpoSampler _sampler;
    private readonly DdpoUpdate _update;
    private readonly PerPromptStatistics? _statistics;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private bool _isDisposed;

    /// <summary>Starts a run; the weights change with every step.</summary>
    /// <param name="model">What is trained. The caller keeps it, and draws no images with it while a step runs.</param>
    /// <param name="options">Checked here.</param>
    /// <exception cref="ArgumentException">An option is out of range, or does not fit the model; the message names it.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <exception cref="TrainingDivergedException">A weight is no finite number before the first step; the message names it.</exception>
    public DdpoSession(DiffusionModel model, DdpoOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        (_model, _options) = (model, options.Validated());
        CheckFit(model.Config, options);
        _use = model.Use();
        try
        {
            FiniteWeights.Require("model", model.Weights());
            _sampler = new DdpoSampler(model, options);
            _update = new DdpoUpdate(model, _sampler, options);
        }
        catch
        {
            Dispose();
            throw;
        }
        if (options.PerPromptStatTracking)
            _statistics = new PerPromptStatistics(options.PerPromptStatTrackingBufferSize, options.PerPromptStatTrackingMinCount);
    }

    /// <summary>Epochs done: calls of <see cref="Step"/>.</summary>
    public int EpochNumber { get; private set; }

    /// <summary>Updates of the weights done.</summary>
    public int StepNumber => _update.Number;

    /// <summary>Draws an image for each prompt with the model as it is, <see cref="DdpoOptions.SampleBatchSize"/> at once.</summary>
    /// <param name="prompts">At least one, of words that the model knows; equal ones get different images.</param>
    /// <param name="cancel">Looked at before each step of sampling.</param>
    /// <returns>A function of weights, options, seed and images drawn before. The caller owns it.</returns>
    /// <exception cref="ArgumentException">There is no prompt, or a word is not known.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public ImageRollout Sample(IReadOnlyList<string> prompts, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentNullException.ThrowIfNull(prompts);
        if (prompts.Count == 0)
            throw new ArgumentException("There are no prompts; give at least one.", nameof(prompts));
        return _sampler.Draw(prompts, cancel);
    }

    /// <summary>Learns from images.</summary>
    /// <param name="rollout">
    /// Of this session's <see cref="Sample"/>, as many images as an update has (<see cref="DdpoOptions.TrainBatchSize"/> times
    /// <see cref="DdpoOptions.TrainGradientAccumulationSteps"/>) or a multiple. The caller keeps it.
    /// </param>
    /// <param name="rewards">[B] finite; higher is better.</param>
    /// <returns>
    /// TRL's metrics: <c>reward_mean</c>, <c>reward_std</c>, and as means over the passes <c>loss</c>, <c>approx_kl</c>, <c>clipfrac</c>;
    /// with <c>grad_norm</c> of the last update, <c>learning_rate</c> and <c>epoch</c>.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// Images or rewards cannot be learnt from; nothing has changed.
    /// </exception>
    /// <exception cref="TrainingDivergedException">
    /// Loss or gradient is no finite number; the weights are those of the last good update.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public StepReport Step(ImageRollout rollout, IReadOnlyList<double> rewards)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentNullException.ThrowIfNull(rollout);
        CheckRollout(rollout);
        ImageRewards.Check(rewards, rollout.Prompts.Count);
        double[] advantages = _statistics?.Update(rollout.Prompts, rewards) ?? ImageRewards.Whiten(rewards);
        DdpoFigures figures = _update.Run(rollout, advantages);
        EpochNumber++;
        PromptStatistics all = PerPromptStatistics.Of(rewards);
        var metrics = new Dictionary<string, double>
        {
            ["loss"] = figures.Loss,
            ["approx_kl"] = figures.ApproxKl,
            ["clipfrac"] = figures.ClipFraction,
            ["reward_mean"] = all.Mean,
            ["reward_std"] = all.Deviation,
            ["grad_norm"] = figures.GradientNorm,
            ["learning_rate"] = _options.TrainLearningRate,
            ["epoch"] = EpochNumber,
        };
        return new StepReport(DdpoTrainer.Stage, EpochNumber, _options.NumEpochs, metrics, Tokens: 0, _clock.Elapsed);
    }

    /// <summary>Frees what the session made; the model stays.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _update?.Dispose(); // null where the constructor failed
        _sampler?.Dispose();
        _use.Dispose();
    }

    /// <summary>Fails unless options can be used with a model.</summary>
    /// <exception cref="ArgumentException">The schedule is too short, or a word is not known.</exception>
    internal static void CheckFit(DenoiserConfig shape, DdpoOptions options)
    {
        DdimScheduler.CheckSteps(options.SampleNumSteps, shape.Schedule.NumTrainTimesteps, nameof(options.SampleNumSteps));
        var words = new PromptWords(shape.Words);
        if (words.Unknown(options.NegativePrompts) is { } word)
            throw new ArgumentException($"NegativePrompts cannot be used: {words.Complaint(options.NegativePrompts, word)}");
    }

    private void CheckRollout(ImageRollout rollout)
    {
        if (rollout.Latents.IsInvalid)
            throw new ArgumentException("The rollout was disposed; dispose it after the step.", nameof(rollout));
        long[] expected = [rollout.Prompts.Count, _options.SampleNumSteps + 1, .. _model.ImageShape(1)[1..]];
        RequireTensor.Shape(
            rollout.Latents, rollout.Latents.shape.AsSpan().SequenceEqual(expected),
            $"[{string.Join(", ", expected)}], that of this session's Sample", nameof(rollout));
        if (rollout.Prompts.Count % _options.SamplesPerUpdate != 0)
            throw new ArgumentException(
                $"The rollout has {rollout.Prompts.Count} images, but an update learns from {_options.SamplesPerUpdate} (TrainBatchSize x "
                + "TrainGradientAccumulationSteps); give a multiple.", nameof(rollout));
    }
}
