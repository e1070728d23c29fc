using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl.Training;

/// <summary>Hands each report of a run on: to ML.NET's log, to the caller, and into the history.</summary>
internal sealed class StageTracker : IProgress<StepReport>, IDisposable
{
    private readonly IChannel _channel;
    private readonly IProgress<StepReport>? _caller;
    private readonly List<StepReport> _reports = [];

    /// <param name="env">The ML.NET context.</param>
    /// <param name="stage">Such as <c>SFT</c>.</param>
    /// <param name="caller">Told too; may be null.</param>
    public StageTracker(IHostEnvironment env, string stage, IProgress<StepReport>? caller)
    {
        _channel = env.Register("TRL " + stage).Start("Fit");
        _caller = caller;
    }

    /// <summary>All reports so far.</summary>
    public IReadOnlyList<StepReport> Reports => _reports;

    /// <inheritdoc/>
    public void Report(StepReport value)
    {
        _reports.Add(value);
        // Never a bare format: braces in the text would be read as places for arguments.
        _channel.Info(MessageSensitivity.None, "{0}", StepLine.Of(value));
        _caller?.Report(value);
    }

    /// <summary>A warning to ML.NET's log.</summary>
    public void Warn(string text) => _channel.Warning(MessageSensitivity.None, "{0}", text);

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
