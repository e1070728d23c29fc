namespace Microsoft.ML.Runtime;

/// <summary>Something with a place in the tree of components: an environment, a host, a channel.</summary>
internal abstract class MessageSource : IExceptionContext
{
    protected MessageSource(string shortName, string parentFullName)
    {
        ShortName = string.IsNullOrEmpty(shortName) ? null : shortName;
        ParentFullName = string.IsNullOrEmpty(parentFullName) ? null : parentFullName;
    }

    public string ShortName { get; }

    public string ParentFullName { get; }

    public string FullName => ParentFullName is null ? ShortName : $"{ParentFullName}; {ShortName}";

    public virtual string ContextDescription => FullName;

    public virtual TException Process<TException>(TException ex)
        where TException : Exception
    {
        if (ex is null)
            return null;
        ex.Data["Throwing component"] = ShortName;
        ex.Data["Parent component"] = ParentFullName;
        return Fail.Marked(ex);
    }
}

/// <summary>Sends messages to the listeners of its environment.</summary>
internal class Pipe<TMessage>(EnvironmentBase parent, string name) : MessageSource(name, parent.FullName), IPipe<TMessage>
{
    private bool _isDisposed;

    public void Send(TMessage msg) => parent.Listeners.Dispatch(this, msg);

    public void Dispose()
    {
        if (_isDisposed)
            return;
        Close();
        _isDisposed = true;
    }

    public override TException Process<TException>(TException ex)
    {
        if (ex is null)
            return null;
        ex.Data["Throwing component"] = parent.ShortName;
        ex.Data["Parent component"] = parent.ParentFullName;
        ex.Data["Phase"] = ShortName;
        return Fail.Marked(ex);
    }

    protected virtual void Close()
    {
    }
}

/// <summary>The text channel of one operation; its start and end are traced.</summary>
internal sealed class Channel : Pipe<ChannelMessage>, IChannel
{
    private readonly long _start = System.Diagnostics.Stopwatch.GetTimestamp();

    public Channel(EnvironmentBase parent, string name)
        : base(parent, name) =>
        Say(ChannelMessageKind.Trace, MessageSensitivity.None, "Channel started");

    public void Trace(MessageSensitivity sensitivity, string fmt) => Say(ChannelMessageKind.Trace, sensitivity, fmt);

    public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args) => Say(ChannelMessageKind.Trace, sensitivity, fmt, args);

    public void Error(MessageSensitivity sensitivity, string fmt) => Say(ChannelMessageKind.Error, sensitivity, fmt);

    public void Error(MessageSensitivity sensitivity, string fmt, params object[] args) => Say(ChannelMessageKind.Error, sensitivity, fmt, args);

    public void Warning(MessageSensitivity sensitivity, string fmt) => Say(ChannelMessageKind.Warning, sensitivity, fmt);

    public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args) => Say(ChannelMessageKind.Warning, sensitivity, fmt, args);

    public void Info(MessageSensitivity sensitivity, string fmt) => Say(ChannelMessageKind.Info, sensitivity, fmt);

    public void Info(MessageSensitivity sensitivity, string fmt, params object[] args) => Say(ChannelMessageKind.Info, sensitivity, fmt, args);

    protected override void Close()
    {
        Say(ChannelMessageKind.Trace, MessageSensitivity.None, "Channel finished. Elapsed {0:c}.", [System.Diagnostics.Stopwatch.GetElapsedTime(_start)]);
        Say(ChannelMessageKind.Trace, MessageSensitivity.None, "Channel disposed");
    }

    private void Say(ChannelMessageKind kind, MessageSensitivity sensitivity, string message) =>
        Send(new ChannelMessage(kind, sensitivity, message));

    private void Say(ChannelMessageKind kind, MessageSensitivity sensitivity, string format, object[] arguments) =>
        Send(new ChannelMessage(kind, sensitivity, format, arguments));
}

/// <summary>Who listens to which type of message.</summary>
internal sealed class Listeners
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<Type, Delegate> _actions = new();

    public void Add<TMessage>(Action<MessageSource, TMessage> action) =>
        _actions.AddOrUpdate(typeof(TMessage), action, (_, present) => Delegate.Combine(present, action));

    public void Dispatch<TMessage>(MessageSource source, TMessage message)
    {
        if (_actions.TryGetValue(typeof(TMessage), out Delegate action))
            ((Action<MessageSource, TMessage>)action)(source, message);
    }
}

/// <summary>Messages of unknown sensitivity; the short forms are not public.</summary>
internal static class ChannelShortcuts
{
    public static void Info(this IChannel channel, string message) => channel.Info(MessageSensitivity.Unknown, message);

    public static void Warning(this IChannel channel, string message) => channel.Warning(MessageSensitivity.Unknown, message);

    public static void Trace(this IChannel channel, string message) => channel.Trace(MessageSensitivity.Unknown, message);
}
