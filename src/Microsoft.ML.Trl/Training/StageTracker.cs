using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl.Training;

/// <summary>Hands each report of a run on: to ML.NET's log, to the caller, and into the history.</summary>
internal sealed class StageTracker : IRunAudience, IDisposable
{
    private readonly IChannel _channel;
    private readonly IProgress<StepReport>? _caller;
    private readonly List<StepReport> _reports = [];
    private IReadOnlyDictionary<string, double> _extra = new Dictionary<string, double>();

    /// <param name="host">The stage's part of the ML.NET context.</param>
    /// <param name="caller">Told too; may be null.</param>
    public StageTracker(ComponentHost host, IProgress<StepReport>? caller)
    {
        _channel = host.Start("Fit");
        _caller = caller;
    }

    /// <summary>All reports so far.</summary>
    public IReadOnlyList<StepReport> Reports => _reports;

    /// <inheritdoc/>
    public PolicyView? Policy { get; set; }

    /// <summary>Adds metrics to the next report.</summary>
    public void AddToNext(IReadOnlyDictionary<string, double> metrics) => _extra = metrics;

    /// <inheritdoc/>
    public void Report(StepReport value)
    {
        if (_extra.Count > 0)
            value = value with { Metrics = value.Metrics.Concat(_extra).ToDictionary() };
        _extra = new Dictionary<string, double>();
        _reports.Add(value);
        _channel.Info(MessageSensitivity.None, "{0}", StepLine.Of(value));
        _caller?.Report(value);
    }

    /// <summary>A warning to ML.NET's log.</summary>
    public void Warn(string text) => ComponentHost.Warn(_channel, text);

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
