using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Counts what is wrong in a text file and reports the first cases.</summary>
internal sealed class TextLog(IChannelProvider provider, int shown = 10) : IDisposable
{
    private readonly IChannel _channel = provider.Start("ParseStats");
    private long _rows;
    private long _badValues;
    private long _badFormats;

    public void Row() => _rows++;

    public void BadValue(long line, string column, int? slot)
    {
        if (++_badValues > shown)
            return;
        if (slot is null)
            _channel.Info(MessageSensitivity.Schema, "  Bad value at line {0} in column {1}", line, column);
        else
            _channel.Info(MessageSensitivity.Schema, "  Bad value at line {0} in column {1} at slot {2}", line, column, slot);
        if (_badValues == shown)
            _channel.Info(MessageSensitivity.Unknown, "  Suppressing further bad value messages");
    }

    public void BadFormat(string path, long line, int from, int to, string message)
    {
        if (++_badFormats > shown)
            return;
        if (line > 0)
            _channel.Warning(MessageSensitivity.Unknown, "Format error at {0}({1},{2})-({1},{3}): {4}", path, line, from, to, message);
        else
            _channel.Warning(MessageSensitivity.Unknown, "Format error: {0}", message);
        if (_badFormats == shown)
            _channel.Warning(MessageSensitivity.Unknown, "Suppressing further format error messages");
    }

    public void Dispose()
    {
        if (_badValues > 0 || _badFormats > 0)
            _channel.Info(MessageSensitivity.Unknown, "Processed {0} rows with {1} bad values and {2} format errors", _rows, _badValues, _badFormats);
        _channel.Dispose();
    }
}
