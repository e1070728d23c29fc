using System.Text;

namespace Microsoft.ML.Data;

/// <summary>The fields of one line that are not empty, by index.</summary>
internal sealed class TextFields(TextFormat format, TextLog log)
{
    private readonly bool _separatesAtSpaces = format.Separators.Contains(' ');
    private readonly StringBuilder _unquoted = new();
    private readonly List<(int Index, ReadOnlyMemory<char> Text)> _fields = [];
    private ReadOnlyMemory<char> _line;
    private int _next;
    private long _lineNumber;
    private string _path;

    /// <summary>Number of fields of the line, as far as it was read.</summary>
    public int Count { get; private set; }

    public IReadOnlyList<(int Index, ReadOnlyMemory<char> Text)> Found => _fields;

    /// <summary>Splits a line as far as the field <paramref name="lastNeeded"/>.</summary>
    public void Split(ReadOnlyMemory<char> line, int lastNeeded, string path = null, long lineNumber = 0)
    {
        _fields.Clear();
        _line = format.TrimsLineEnd ? line.TrimEnd() : line;
        _next = 0;
        _path = path;
        _lineNumber = lineNumber;
        if (format.AllowsSparse)
            SplitSparse(lastNeeded);
        else
            SplitDense(lastNeeded);
    }

    public ReadOnlyMemory<char>? TextOf(int index)
    {
        int low = 0;
        int high = _fields.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_fields[middle].Index < index)
                low = middle + 1;
            else
                high = middle;
        }
        return low < _fields.Count && _fields[low].Index == index ? _fields[low].Text : (ReadOnlyMemory<char>?)null;
    }

    private void SplitDense(int lastNeeded)
    {
        Count = 0;
        bool more = true;
        while (more && Count <= lastNeeded)
        {
            more = Fetch(out ReadOnlyMemory<char> text, out _);
            if (!text.IsEmpty || format.EmptyRealIsMissing)
                _fields.Add((Count, text));
            Count++;
        }
    }

    /// <summary>Fields as they come, then a size and items like 3:text that count from the place of the size.</summary>
    private void SplitSparse(int lastNeeded)
    {
        int size = format.InputSize;
        int start = -1;
        int previous = -1;
        Count = 0;
        bool more = true;
        while (more)
        {
            int from = _next;
            more = Fetch(out ReadOnlyMemory<char> text, out int item);
            if (item < 0)
            {
                if (start >= 0)
                {
                    Complain(from, "Non-sparse formatted value follows sparse formatted value");
                    break;
                }
                if (!text.IsEmpty)
                    _fields.Add((Count, text));
                if (Count++ > lastNeeded)
                    break;
                continue;
            }
            if (start < 0 && !TryStartSparse(from, ref size, out start))
                break;
            if (item >= size - start)
            {
                Complain(from, "Sparse item index larger than expected. Is the specified size incorrect?");
                break;
            }
            if (item > (long)lastNeeded - start + 1)
                break;
            if (previous >= item)
            {
                Complain(from, "Sparse indices out of order");
                break;
            }
            previous = item;
            if (!text.IsEmpty)
                _fields.Add((start + item, text));
        }
        Count = start < 0 ? Math.Max(Count, size) : size;
    }

    /// <summary>Without a known size of lines the field before the first item says how many there are.</summary>
    private bool TryStartSparse(int from, ref int size, out int start)
    {
        start = _fields.Count;
        if (size > 0)
            return true;
        const string Hint = "dimensionality or ambiguous sparse item. Use sparse=- for non-sparse file, and/or quote the value.";
        if (_fields.Count == 0 || _fields[^1].Index != Count - 1)
        {
            Complain(from, $"Missing {Hint}");
            start = -1;
            return false;
        }
        if (!TextParsing.TrySigned(_fields[^1].Text.Span, int.MaxValue, out long items) || items <= 0)
        {
            Complain(from, $"Bad {Hint}");
            start = -1;
            return false;
        }
        start = _fields[^1].Index;
        _fields.RemoveAt(_fields.Count - 1);
        size = start + (int)Math.Min(items, Segment.EndOfLine - start - 1);
        return true;
    }

    /// <summary>The next field; false when it is the last. <paramref name="item"/> is the number before a colon, or -1.</summary>
    private bool Fetch(out ReadOnlyMemory<char> text, out int item)
    {
        ReadOnlySpan<char> line = _line.Span;
        text = ReadOnlyMemory<char>.Empty;
        item = -1;
        SkipSpaces(line);
        if (_next < line.Length && format.AllowsSparse)
            TryItem(line, out item);
        if (_next >= line.Length)
            return false;
        if (line[_next] == '"' && format.AllowsQuotes)
            text = Quoted(line);
        else
        {
            int length = line[_next..].IndexOfAny(format.Separators);
            length = length < 0 ? line.Length - _next : length;
            text = _line.Slice(_next, length);
            _next += length;
        }
        if (_next >= line.Length)
            return false;
        _next++;
        return true;
    }

    private void TryItem(ReadOnlySpan<char> line, out int item)
    {
        item = -1;
        int digits = line[_next..].IndexOfAnyExceptInRange('0', '9');
        if (digits is < 1 or > 9 || line[_next + digits] != ':')
            return;
        item = int.Parse(line.Slice(_next, digits));
        _next += digits + 1;
        SkipSpaces(line);
    }

    /// <summary>The text between quotes, up to the separator. Nothing but spaces may stand between.</summary>
    private ReadOnlyMemory<char> Quoted(ReadOnlySpan<char> line)
    {
        int from = _next;
        _unquoted.Clear();
        bool isClosed = false;
        for (_next++; _next < line.Length && !isClosed; _next++)
        {
            char current = line[_next];
            char following = _next + 1 < line.Length ? line[_next + 1] : '\0';
            if (current == format.EscapeChar && following == '"')
                _unquoted.Append(line[++_next]);
            else if (current == '"')
                isClosed = true;
            else if (current == format.EscapeChar && _next + 1 < line.Length)
                _unquoted.Append(current).Append(line[++_next]);
            else
                _unquoted.Append(current);
        }
        bool isLegal = isClosed;
        while (_next < line.Length && !format.Separators.Contains(line[_next]))
            isLegal &= line[_next++] == ' ';
        if (!isLegal)
            Complain(from, "Illegal quoting");
        return isLegal ? _unquoted.ToString().AsMemory() : ReadOnlyMemory<char>.Empty;
    }

    private void SkipSpaces(ReadOnlySpan<char> line)
    {
        while (!_separatesAtSpaces && _next < line.Length && line[_next] == ' ')
            _next++;
    }

    private void Complain(int from, string message) => log.BadFormat(_path, _lineNumber, from + 1, _next + 1, message);
}
