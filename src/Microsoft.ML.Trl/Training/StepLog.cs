using System.Diagnostics;

namespace Microsoft.ML.Trl.Training;

/// <summary>Collects the figures of a run and reports them when the options say so.</summary>
/// <param name="stage">Who reports.</param>
/// <param name="totalSteps">Steps of the run.</param>
/// <param name="options">How often.</param>
/// <param name="progress">Who listens; null = nobody.</param>
/// <param name="totalWork">Work of all steps, by which the time left is estimated; null = each step is as much work as any other.</param>
internal sealed class StepLog(
    string stage, int totalSteps, TrainingOptions options, IProgress<StepReport>? progress, double? totalWork = null)
{
    private readonly RemainingTime _remaining = new(totalSteps, totalWork ?? totalSteps);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly int _interval = Math.Max(
        1, (int)(options.LoggingSteps < 1 ? Math.Ceiling(options.LoggingSteps * totalSteps) : options.LoggingSteps));
    private readonly Dictionary<string, (double Sum, int Count)> _window = [];
    private double _gradientNorm;
    private double _learningRate;
    private LossScaler? _scaler;
    private long _tokens;
    private (int Step, double Epoch)? _unreported; // the last step, where it was not time to report
    private IReadOnlyList<SampleCompletion> _completions = [];

    /// <summary>Notes a value; a report carries the mean of what was noted since the last one.</summary>
    public void Note(string metric, double value)
    {
        var (sum, count) = _window.GetValueOrDefault(metric);
        _window[metric] = (sum + value, count + 1);
    }

    /// <summary>Notes the figures of a micro batch, but for its <c>loss</c>: that of the whole step is noted with the update.</summary>
    public void NoteAll(IReadOnlyDictionary<string, float> metrics)
    {
        foreach ((string name, float value) in metrics.Where(metric => metric.Key != "loss"))
            Note(name, value);
    }

    /// <summary>Counts real tokens that went through the model.</summary>
    public void CountTokens(long tokens) => _tokens += tokens;

    /// <summary>Keeps completions of the latest step for the next report.</summary>
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

    /// <summary>Ends a step, and reports when it is time to.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="epoch">Passes over the data so far.</param>
    /// <param name="work">Work of the step.</param>
    public void EndStep(int step, double epoch, double work = 1)
    {
        TimeSpan left = _remaining.After(1, work, _clock.Elapsed);
        _unreported = (step, epoch);
        if (step % _interval == 0 || step == totalSteps || (step == 1 && options.LoggingFirstStep))
            Report(step, epoch, left);
    }

    /// <summary>Reports the last step, where the run had fewer than it might have had.</summary>
    public void EndRun()
    {
        if (_unreported is { } last)
            Report(last.Step, last.Epoch, TimeSpan.Zero);
    }

    private void Report(int step, double epoch, TimeSpan left)
    {
        Dictionary<string, double> metrics = _window.ToDictionary(entry => entry.Key, entry => entry.Value.Sum / entry.Value.Count);
        metrics["grad_norm"] = _gradientNorm;
        metrics["learning_rate"] = _learningRate;
        metrics["num_tokens"] = _tokens;
        metrics["epoch"] = epoch;
        if (_scaler is not null)
            (metrics["loss_scale"], metrics["skipped_steps"]) = (_scaler.Scale, _scaler.Skipped);
        _window.Clear();
        _unreported = null;
        progress?.Report(new StepReport(stage, step, totalSteps, metrics, _tokens, _clock.Elapsed)
        {
            TimeLeft = left,
            Completions = _completions,
        });
    }
}
