using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// One training run, the same for every method: plan → cancel → accumulate → clip → step → schedule →
/// report. What a step computes is the method's.
/// </summary>
internal sealed class TrainingRun
{
    private readonly string _stage;
    private readonly int _totalSteps;
    private readonly CancellationToken _cancel;
    private readonly TrainingOptions _options;

    /// <param name="stage">Who trains, for messages and reports.</param>
    /// <param name="totalSteps">Steps of the run.</param>
    /// <param name="options">How often to report.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Looked at before every step.</param>
    public TrainingRun(string stage, int totalSteps, TrainingOptions options, IProgress<StepReport>? progress, CancellationToken cancel)
        : this(stage, totalSteps, totalSteps, options, progress, cancel) { }

    /// <summary>A run over a data set.</summary>
    public TrainingRun(string stage, EpochPlan plan, TrainingOptions options, IProgress<StepReport>? progress, CancellationToken cancel)
        : this(stage, plan.TotalSteps, plan.TotalWork, options, progress, cancel) { }

    private TrainingRun(
        string stage, int totalSteps, double totalWork, TrainingOptions options, IProgress<StepReport>? progress, CancellationToken cancel)
    {
        (_stage, _totalSteps, _cancel, _options) = (stage, totalSteps, cancel, options);
        Policy = (progress as IRunAudience)?.Policy;
        Log = new StepLog(stage, totalSteps, options, progress, totalWork);
    }

    /// <summary>What the steps note their figures in.</summary>
    public StepLog Log { get; }

    /// <summary>Writes with what is trained; null where it writes nothing, or nobody listens.</summary>
    public PolicyView? Policy { get; }

    /// <summary>What evaluations measure; null = the method measures nothing.</summary>
    public HeldOutSet? HeldOut { get; set; }

    /// <summary>Runs the steps of a plan, until a callback or an option ends the run.</summary>
    /// <param name="plan">In order; numbers count from 1.</param>
    /// <param name="step">What a step does; may throw <see cref="OperationCanceledException"/> before it has changed a weight.</param>
    /// <param name="model">What is trained, for evaluations; null = nobody looks at it between steps.</param>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    /// <exception cref="TrainingFailedException">
    /// A step after the first, a report, an evaluation or a callback failed; the weights are of the last step.
    /// </exception>
    /// <exception cref="NotSupportedException">Options ask for evaluations, and the method has none.</exception>
    public void Run(IEnumerable<StepPlan> plan, Action<StepPlan> step, TrainedModel? model = null)
    {
        using IDisposable heap = NativeHeap.Hold(), records = enable_grad(); // whoever calls may have turned gradients off
        using var between = new BetweenSteps(_stage, _totalSteps, _options, Log, Policy, _cancel);
        between.Begin(HeldOut, model);
        foreach (StepPlan next in plan)
        {
            if (!between.GoesOn)
                break;
            try
            {
                _cancel.ThrowIfCancellationRequested();
                step(next);
            }
            catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
            {
                throw new TrainingCanceledException(_stage, next.Number - 1, _totalSteps, _cancel);
            }
            catch (Exception cause) when (next.Number > 1 && cause is not IPartialModel)
            {
                // The first step's exceptions come as they are: they mostly say what is wrong with options or data.
                throw new TrainingFailedException(_stage, next.Number - 1, $"step {next.Number}", cause);
            }
            between.End(next);
        }
        between.Finish();
    }

    /// <summary>Runs a plan whose steps accumulate micro batches and update once, with the model in training mode.</summary>
    /// <param name="plan">In order; numbers count from 1.</param>
    /// <param name="model">Trained in place; in evaluation mode afterwards.</param>
    /// <param name="options">Optimizer, schedule and seed.</param>
    /// <param name="dropout">Whether entries are dropped as the model's configuration says.</param>
    /// <param name="accumulate">Accumulates the gradients of a step; returns its loss.</param>
    /// <param name="updated">Called after each update; null = nobody.</param>
    /// <exception cref="ArgumentException">Options that save memory do not fit the model; the message says how.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder for activations is not there.</exception>
    /// <exception cref="TrainingDivergedException">The model's weights were no finite numbers, or stopped being ones.</exception>
    public void Learn(
        IEnumerable<StepPlan> plan,
        DecoderModel model,
        TrainingOptions options,
        bool dropout,
        Func<StepPlan, GradientStep, double> accumulate,
        Action<StepPlan>? updated = null)
    {
        model.RequireTrainable("starting model");
        FiniteWeights.Require("starting model", model.Everything());
        using MemorySaving memory = MemorySaving.Begin(model, options);
        using GradientStep gradients = new(ParameterRates.Of(model, [], options), options, _totalSteps, memory);
        using WeightAverage? average = WeightAverage.Of(options, model.parameters(), _totalSteps);
        using var rng = new Generator((uint)options.Seed);
        EmbeddingNoise? noise = (options as EpochOptions)?.NeftuneNoiseAlpha is { } alpha ? new EmbeddingNoise(alpha, rng) : null;
        model.SetDropout(dropout ? rng : null);
        model.SetNoise(noise);
        model.train();
        try
        {
            Run(plan, next =>
            {
                gradients.Begin();
                double rate = gradients.LearningRate;
                double loss = accumulate(next, gradients);
                Log.NoteUpdate(loss, gradients.Update(loss), rate, gradients.Scaler);
                updated?.Invoke(next);
                average?.Follow(next.Number);
            }, new TrainedModel(model.parameters(), read => Reading(model, read)));
        }
        finally
        {
            average?.Apply();
            model.eval();
            model.SetDropout(null);
            model.SetNoise(null);
        }
    }

    private static void Reading(DecoderModel model, Action read)
    {
        model.eval();
        try
        {
            read();
        }
        finally
        {
            model.train();
        }
    }
}
