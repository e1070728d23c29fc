namespace Microsoft.ML.Trl;

/// <summary>What a callback may ask for: transformers' TrainerControl. Valid during the call.</summary>
public sealed class TrainingControl
{
    private readonly bool _canEvaluate;
    private readonly List<SampleCompletion> _completions = [];
    private readonly Dictionary<string, double> _metrics = [];

    internal TrainingControl(bool canEvaluate) => _canEvaluate = canEvaluate;

    /// <summary>Whether a report is asked for, whatever the options say.</summary>
    internal bool Logs { get; private set; }

    /// <summary>Whether to evaluate after this step, whatever the options say.</summary>
    internal bool Evaluates { get; private set; }

    /// <summary>Why training is to end; null = it goes on.</summary>
    internal string? StopReason { get; private set; }

    /// <summary>Whether something can be asked for.</summary>
    internal bool IsOpen { get; set; }

    /// <summary>
    /// Ends training after this step: <c>Fit</c> returns what was reached, as after the last step, and the last report says why.
    /// </summary>
    /// <param name="reason">For the history; null = that a callback asked for it.</param>
    /// <exception cref="InvalidOperationException">The call is over, or it is the one at the end of training.</exception>
    public void StopTraining(string? reason = null)
    {
        RequireOpen();
        StopReason ??= reason ?? "a callback asked for it";
    }

    /// <summary>Evaluates after this step, once, on <see cref="EvaluatedOptions.EvaluationData"/>.</summary>
    /// <exception cref="InvalidOperationException">There are no such data, or the call is over, or the one at the end.</exception>
    public void Evaluate()
    {
        RequireOpen();
        Evaluates = _canEvaluate ? true : throw new InvalidOperationException(
            "A callback asked for an evaluation, but there is nothing to evaluate on; set EvaluationData in the options.");
    }

    /// <summary>Reports this step, whether or not <see cref="TrainingOptions.LoggingSteps"/> would.</summary>
    /// <exception cref="InvalidOperationException">The call is over, or it is the one at the end of training.</exception>
    public void Log()
    {
        RequireOpen();
        Logs = true;
    }

    /// <summary>Puts a figure of your own into the next report.</summary>
    /// <param name="metric">Its name among <see cref="StepReport.Metrics"/>; the last value of a name counts.</param>
    /// <param name="value">The figure.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    /// <exception cref="InvalidOperationException">The call is over, or it is the one at the end of training.</exception>
    public void Note(string metric, double value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(metric);
        RequireOpen();
        _metrics[metric] = value;
    }

    /// <summary>Puts completions into the next report, behind its own.</summary>
    /// <param name="completions">Any number.</param>
    /// <exception cref="InvalidOperationException">The call is over, or it is the one at the end of training.</exception>
    public void Note(IReadOnlyList<SampleCompletion> completions)
    {
        ArgumentNullException.ThrowIfNull(completions);
        RequireOpen();
        _completions.AddRange(completions);
    }

    /// <summary>What callbacks noted for the next report; afterwards there is none.</summary>
    internal (Dictionary<string, double> Metrics, SampleCompletion[] Completions) TakeNotes()
    {
        (Dictionary<string, double>, SampleCompletion[]) notes = (new(_metrics), [.. _completions]);
        _metrics.Clear();
        _completions.Clear();
        return notes;
    }

    /// <summary>A new step: what was asked for the last one is done. That training is to end stays so.</summary>
    internal void Begin() => (Logs, Evaluates) = (false, false);

    /// <summary>Whether a report was asked for; afterwards none is.</summary>
    internal bool TakeLog()
    {
        bool logs = Logs;
        Logs = false;
        return logs;
    }

    /// <summary>Ends training for a reason of its own.</summary>
    internal void Stop(string reason) => StopReason ??= reason;

    private void RequireOpen()
    {
        if (!IsOpen)
            throw new InvalidOperationException(
                "The control of training was used when nothing could be asked for any more; use it during the calls before OnTrainEnd.");
    }
}
