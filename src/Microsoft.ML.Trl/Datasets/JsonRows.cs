using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>
/// Rows of a .json file: a JSON array of objects, LMFlow's object with type and instances, or objects one behind the other. One row is held
/// at a time, however long the file is.
/// </summary>
internal sealed class JsonRows : IDisposable
{
    private static readonly string[] Types = ["text_only", "text2text", "conversation", "paired_conversation", "paired_text_to_text"];

    private readonly string _file;
    private readonly Stream _stream;
    private byte[] _buffer = new byte[1 << 16];
    private int _start, _end;
    private bool _isFinal;
    private long _line = 1;

    private JsonRows(string file) => (_file, _stream) = (file, DatasetFiles.Open(file));

    private RowPlace Place => new(_file, "line", _line);

    public static IEnumerable<LocatedRow> Read(string file)
    {
        using var rows = new JsonRows(file);
        rows.SkipMark();
        byte? first = rows.Peek();
        bool isLmFlow = first == '{' && rows.SkipHeader();
        bool isArray = isLmFlow || first == '[';
        if (isArray && !isLmFlow)
            rows.Skip(1);
        bool isFirst = true;
        while (rows.Peek() is { } next)
        {
            if (isArray && next == ']')
            {
                rows.Skip(1);
                rows.End(isLmFlow);
                yield break;
            }
            if (isArray && !isFirst)
                rows.Comma();
            rows.Peek();
            RowPlace place = rows.Place;
            yield return new LocatedRow(rows.Object(), place, isLmFlow);
            isFirst = false;
        }
        if (isArray)
            throw rows.Place.Error("the file ends within an array of rows.");
    }

    public void Dispose() => _stream.Dispose();

    private void SkipMark()
    {
        if (Need(3) && _buffer.AsSpan(0, 3).SequenceEqual("\uFEFF"u8))
            _start = 3;
    }

    /// <summary>The next byte that is no white space; null at the end.</summary>
    private byte? Peek()
    {
        while (Need(1))
        {
            byte next = _buffer[_start];
            if (next is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
                return next;
            Skip(1);
        }
        return null;
    }

    private void Comma()
    {
        if (Peek() != ',')
            throw Place.Error("a comma, or the end of the array, must follow a row.");
        Skip(1);
    }

    /// <summary>What may follow the array of rows.</summary>
    private void End(bool isLmFlow)
    {
        if (isLmFlow && Peek() == ',')
            throw Place.Error("something follows \"instances\"; \"type\" must stand before them, and nothing else beside them.");
        if (isLmFlow && Peek() == '}')
            Skip(1);
        else if (isLmFlow)
            throw Place.Error("the object with type and instances has no end.");
        if (Peek() is not null)
            throw Place.Error("something follows the array of rows.");
    }

    /// <summary>Goes to the first instance, where the file begins as LMFlow's do.</summary>
    private bool SkipHeader()
    {
        while (true)
        {
            (bool? isHeader, int length) = Header(_buffer.AsSpan(_start, _end - _start), _isFinal);
            if (isHeader == true)
                Skip(length);
            if (isHeader is { } told)
                return told;
            if (!Fill())
                return false;
        }
    }

    private (bool? IsHeader, int Length) Header(ReadOnlySpan<byte> bytes, bool isFinal)
    {
        var reader = new Utf8JsonReader(bytes, isFinal, default);
        try
        {
            if (!reader.Read() || !reader.Read())
                return (null, 0);
            if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("type"))
            {
                if (!reader.Read())
                    return (null, 0);
                string? type = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                if (!reader.Read())
                    return (null, 0);
                if (type is not null && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("instances")
                    && !Types.Contains(type))
                    throw Place.Error($"the instances are of type '{type}'; of LMFlow's types, {string.Join(", ", Types)} can be read.");
            }
            if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals("instances"))
                return (false, 0);
            return reader.Read() ? (reader.TokenType == JsonTokenType.StartArray, (int)reader.BytesConsumed) : (null, 0);
        }
        catch (JsonException)
        {
            return (false, 0); // said where the row is read
        }
    }

    private JsonObject Object()
    {
        RowPlace place = Place;
        try
        {
            int length;
            while ((length = ValueLength(_buffer.AsSpan(_start, _end - _start), _isFinal)) == 0)
                if (!Fill())
                    throw place.Error("the file ends within a row.");
            JsonObject row = StrictJson.Object(DatasetFiles.Utf8.GetString(_buffer, _start, length));
            Skip(length);
            return row;
        }
        catch (JsonException cause)
        {
            throw place.Error($"it is no row: {cause.Message} Each row must be a JSON object, whose keys stand there once each.", cause);
        }
    }

    /// <summary>Bytes of the value that begins here; 0 where its end is not there yet.</summary>
    private static int ValueLength(ReadOnlySpan<byte> bytes, bool isFinal)
    {
        var reader = new Utf8JsonReader(bytes, isFinal, default);
        return reader.Read() && reader.TrySkip() ? (int)reader.BytesConsumed : 0;
    }

    private void Skip(int count)
    {
        _line += _buffer.AsSpan(_start, count).Count((byte)'\n');
        _start += count;
    }

    private bool Need(int count)
    {
        while (_end - _start < count)
            if (!Fill())
                return false;
        return true;
    }

    private bool Fill()
    {
        if (_isFinal)
            return false;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        int read = _stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        _isFinal = read == 0;
        return true;
    }
}
