using System.Diagnostics;

namespace Microsoft.ML.Trl.Training;

/// <summary>Collects the figures of a run and reports them when the options say so.</summary>
/// <param name="stage">Who reports.</param>
/// <param name="totalSteps">Steps of the run.</param>
/// <param name="options">How often.</param>
/// <param name="progress">Who listens; null = nobody.</param>
/// <param name="totalWork">Work of all steps, by which the time left is estimated; null = each step is as much work as any other.</param>
internal sealed class StepLog(
    string stage, int totalSteps, TrainingOptions options, IProgress<StepReport>? progress, double? totalWork = null) : IFigures
{
    private readonly RemainingTime _remaining = new(totalSteps, totalWork ?? totalSteps);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly int _interval = Interval(options.LoggingSteps, totalSteps);
    private readonly Dictionary<string, (double Sum, int Count)> _window = [];
    private double _gradientNorm;
    private double _learningRate;
    private LossScaler? _scaler;
    private long _tokens;
    private (int Step, double Epoch)? _unreported; // the last step, where it was not time to report
    private TimeSpan? _left;
    private IReadOnlyList<SampleCompletion> _completions = [];

    /// <summary>Steps between two reports or evaluations.</summary>
    /// <param name="steps">Of the options; below 1, a share of the run.</param>
    /// <param name="totalSteps">Steps of the run.</param>
    public static int Interval(double steps, int totalSteps) => Math.Max(1, (int)(steps < 1 ? Math.Ceiling(steps * totalSteps) : steps));

    /// <summary>Notes a value; a report carries the mean of what was noted since the last one, each of which counts alike.</summary>
    public void Note(string metric, double value, double weight = 1, Pooling pooling = Pooling.Mean)
    {
        var (sum, count) = _window.GetValueOrDefault(metric);
        _window[metric] = (sum + value, count + 1);
    }

    /// <summary>Notes a value of which a report carries the latest, such as a count.</summary>
    public void NoteLatest(string metric, double value) => _window[metric] = (value, 1);

    /// <summary>Counts real tokens that went through the model.</summary>
    public void CountTokens(long tokens) => _tokens += tokens;

    /// <summary>Keeps completions for the next report; of several steps, those of the last.</summary>
    public void NoteCompletions(IReadOnlyList<SampleCompletion> completions) => _completions = completions;

    /// <summary>Notes an update of the weights.</summary>
    /// <param name="loss">What was minimised.</param>
    /// <param name="gradientNorm">Norm before clipping.</param>
    /// <param name="learningRate">Rate that was used.</param>
    /// <param name="scaler">What scales losses; null = nothing does. Of a skipped update the norm is no number, and not kept.</param>
    public void NoteUpdate(double loss, double gradientNorm, double learningRate, LossScaler? scaler = null)
    {
        Note("loss", loss);
        (_gradientNorm, _learningRate) = (double.IsFinite(gradientNorm) ? gradientNorm : _gradientNorm, learningRate);
        _scaler = scaler;
    }

    /// <summary>What a report would say now.</summary>
    /// <param name="epoch">Passes over the data so far.</param>
    public Dictionary<string, double> Metrics(double epoch)
    {
        Dictionary<string, double> metrics = _window.ToDictionary(entry => entry.Key, entry => entry.Value.Sum / entry.Value.Count);
        metrics["grad_norm"] = _gradientNorm;
        metrics["learning_rate"] = _learningRate;
        metrics["num_tokens"] = _tokens;
        metrics["epoch"] = epoch;
        if (_scaler is not null)
            (metrics["loss_scale"], metrics["skipped_steps"]) = (_scaler.Scale, _scaler.Skipped);
        return metrics;
    }

    /// <summary>Ends a step, and reports when it is time to.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="epoch">Passes over the data so far.</param>
    /// <param name="work">Work of the step.</param>
    /// <param name="control">What callbacks ask for and note; null = there are none.</param>
    public void EndStep(int step, double epoch, double work = 1, TrainingControl? control = null)
    {
        TimeSpan elapsed = _clock.Elapsed;
        _left = _remaining.After(1, work, elapsed);
        _unreported = (step, epoch);
        bool isDue = step % _interval == 0 || step == totalSteps || (step == 1 && options.LoggingFirstStep);
        if (control?.TakeLog() == true || isDue)
            Report(step, epoch, control);
    }

    /// <summary>Reports the last step, where the run had fewer than it might have had.</summary>
    public void EndRun()
    {
        if (_unreported is not { } last)
            return;
        _left = TimeSpan.Zero;
        Report(last.Step, last.Epoch, control: null);
    }

    /// <summary>Reports what there is, whether or not it is time to.</summary>
    /// <param name="step">Counted from 1; 0 before the first.</param>
    /// <param name="epoch">Passes over the data so far.</param>
    /// <param name="control">What callbacks note; null = there are none.</param>
    /// <param name="stopReason">Why the run ends here; null = it does not, or it was the last step.</param>
    public void Report(int step, double epoch, TrainingControl? control, string? stopReason = null)
    {
        Dictionary<string, double> metrics = Metrics(epoch);
        _window.Clear();
        _unreported = null;
        (Dictionary<string, double> own, SampleCompletion[] completions) = control?.TakeNotes() ?? ([], []);
        foreach ((string name, double value) in own)
            metrics[name] = value;
        progress?.Report(new StepReport(stage, step, totalSteps, metrics, _tokens, _clock.Elapsed)
        {
            TimeLeft = stopReason is null ? _left : TimeSpan.Zero,
            Completions = completions.Length == 0 ? _completions : [.. _completions, .. completions],
            StopReason = stopReason,
        });
        _completions = [];
    }

    /// <summary>Reports an evaluation.</summary>
    /// <param name="step">After which it was made; 0 before the first.</param>
    /// <param name="metrics">With prefix, and the epoch.</param>
    /// <param name="completions">What the policy wrote.</param>
    public void ReportEvaluation(int step, IReadOnlyDictionary<string, double> metrics, IReadOnlyList<SampleCompletion> completions) =>
        progress?.Report(new StepReport(stage, step, totalSteps, metrics, _tokens, _clock.Elapsed)
        {
            TimeLeft = _left,
            Completions = completions,
        });
}
