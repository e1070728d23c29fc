namespace Microsoft.ML.Runtime;

/// <summary>Opens progress channels.</summary>
public interface IProgressChannelProvider
{
    IProgressChannel StartProgressChannel(string name);
}

/// <summary>Takes the progress of one operation.</summary>
public interface IProgressChannel : IProgressChannelProvider, IDisposable
{
    void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction);

    void Checkpoint(params double?[] values);
}

/// <summary>A progress report being filled.</summary>
public interface IProgressEntry
{
    void SetProgress(int index, double value);

    void SetProgress(int index, double value, double lim);

    void SetMetric(int index, double value);
}

/// <summary>Names of the numbers in a progress report.</summary>
public sealed class ProgressHeader
{
    public readonly IReadOnlyList<string> UnitNames;
    public readonly IReadOnlyList<string> MetricNames;

    public ProgressHeader(string[] metricNames, string[] unitNames)
    {
        MetricNames = metricNames ?? [];
        UnitNames = unitNames ?? [];
    }

    public ProgressHeader(params string[] unitNames)
        : this(null, unitNames)
    {
    }
}

/// <summary>Checks what it is given and drops it: nobody can listen to progress through the public surface.</summary>
internal sealed class SilentProgressChannel(IExceptionContext context) : IProgressChannel
{
    private ProgressHeader _header = new();
    private bool _isDisposed;

    public IProgressChannel StartProgressChannel(string name) => new SilentProgressChannel(context);

    public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction) => _header = header;

    public void Checkpoint(params double?[] values)
    {
        Guard.That(!_isDisposed, "Can't report checkpoints after disposing", context);
        int room = _header.MetricNames.Count + (2 * _header.UnitNames.Count);
        Guard.That((values?.Length ?? 0) <= room, "Too many values provided in Checkpoint", context);
    }

    public void Dispose() => _isDisposed = true;
}
