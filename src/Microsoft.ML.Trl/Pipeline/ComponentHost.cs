extern alias facade;

using Microsoft.ML.Runtime;
using Internals = facade::Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>A component's part of ML.NET's environment: what it says goes to the log, and <c>CancelExecution</c> reaches it.</summary>
/// <param name="env">The context, or what a loader was given.</param>
/// <param name="name">Whom the log names.</param>
internal sealed class ComponentHost(IHostEnvironment env, string name)
{
    private readonly IHost _host = env.Register(name);

    /// <summary>Whether the context's execution was cancelled; a host registered before hears of it.</summary>
    public bool IsCanceled => (object)_host is Internals.ICancelable { IsCanceled: true };

    /// <summary>A channel to the log. The caller owns it.</summary>
    /// <param name="process">What is being done, such as <c>Fit</c>.</param>
    public IChannel Start(string process) => _host.Start(process);

    /// <summary>One warning.</summary>
    public void Warn(string process, string text)
    {
        using IChannel channel = Start(process);
        Warn(channel, text);
    }

    /// <summary>One warning in an open channel. Never as a bare format: braces in the text would be read as places for arguments.</summary>
    public static void Warn(IChannel channel, string text) => channel.Warning(MessageSensitivity.None, "{0}", text);

    /// <summary>Joins the caller's token with the context's cancellation.</summary>
    /// <param name="cancel">The caller's.</param>
    public CancelWatch Watch(CancellationToken cancel) => new(this, cancel);
}

/// <summary>
/// A token that is cancelled when the caller's is, or when the context's execution is, which has no token and so is looked at ten times a
/// second.
/// </summary>
internal sealed class CancelWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _source;
    private readonly Timer _timer;

    public CancelWatch(ComponentHost host, CancellationToken cancel)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (host.IsCanceled)
            _source.Cancel();
        _timer = new Timer(_ => CancelWith(host), null, Interval, Interval);
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        using (var stopped = new ManualResetEvent(false))
            if (_timer.Dispose(stopped)) // else a late tick could meet a disposed source
                stopped.WaitOne();
        _source.Dispose();
    }

    private void CancelWith(ComponentHost host)
    {
        if (host.IsCanceled)
            _source.Cancel();
    }
}
