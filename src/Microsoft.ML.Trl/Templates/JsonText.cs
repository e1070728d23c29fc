using System.Globalization;
using System.Numerics;
using System.Text;

namespace Microsoft.ML.Trl.Templates;

/// <summary>The filter tojson as transformers has it: Python's json.dumps, by default without ASCII escaping.</summary>
internal sealed class JsonText
{
    private readonly Rendering _run;
    private readonly TextBuffer _buffer;
    private readonly bool _isAscii;
    private readonly bool _isSorted;
    private readonly string? _indent;
    private readonly string _comma;
    private readonly string _colon;

    private JsonText(Rendering run, BoundArguments arguments)
    {
        (_run, _buffer) = (run, new TextBuffer(run));
        _isAscii = arguments.Flag(0);
        _indent = arguments[1] switch
        {
            null or NoneValue => null,
            { } value when PythonText.AsText(value) is { } text => text,
            _ => Blanks(run, arguments.Integer(1, 0)),
        };
        (_comma, _colon) = Separators(run, arguments[2]) ?? (_indent is null ? ", " : ",", ": ");
        _isSorted = arguments.Flag(3);
    }

    /// <param name="run">The rendering.</param>
    /// <param name="value">What is written.</param>
    /// <param name="arguments">ensure_ascii, indent, separators, sort_keys.</param>
    /// <exception cref="ChatTemplateException">There is a value that JSON does not have.</exception>
    public static string Of(Rendering run, object value, CallArguments arguments)
    {
        var text = new JsonText(run, arguments.Bind(run, "ensure_ascii?", "indent?", "separators?", "sort_keys?"));
        text.Write(value, 0);
        return text._buffer.ToString();
    }

    private static string Blanks(Rendering run, int count)
    {
        run.Characters(Math.Max(count, 0));
        return new string(' ', Math.Max(count, 0));
    }

    private static (string, string)? Separators(Rendering run, object? value)
    {
        if (value is null or NoneValue)
            return null;
        object[] pair = TemplateSequences.Gather(run, [value]);
        return pair.Length == 2 && PythonText.AsText(pair[0]) is { } comma && PythonText.AsText(pair[1]) is { } colon
            ? (comma, colon)
            : throw run.Error("tojson needs two texts as separators, (',', ':') for instance");
    }

    private void Write(object value, int level)
    {
        _run.Enter();
        switch (value)
        {
            case ListValue or TupleValue:
                WriteMany('[', (IReadOnlyList<object>)value, level, ']', item => Write(item, level + 1));
                break;
            case GroupValue group:
                Write(group.Tuple, level);
                break;
            case DictValue dict:
                WriteMany('{', [.. Entries(dict)], level, '}', entry => WriteEntry(entry, level + 1));
                break;
            default:
                _buffer.Append(PythonText.AsText(value) is { } text ? Quote(text) : Simple(value)
                    ?? throw _run.Error($"Object of type {ValueTypes.NameOf(value)} is not JSON serializable"));
                break;
        }
        _run.Leave();
    }

    private IEnumerable<(object Key, object Value)> Entries(DictValue dict)
    {
        IEnumerable<(object Key, object Value)> entries = dict.Pairs.Select(pair => (pair.Key, pair.Value));
        return _isSorted ? TemplateSorting.Sort(_run, entries, entry => entry.Key) : entries;
    }

    private void WriteEntry((object Key, object Value) entry, int level)
    {
        string key = PythonText.AsText(entry.Key) ?? Simple(entry.Key)
            ?? throw _run.Error($"keys must be str, int, float, bool or None, not {ValueTypes.NameOf(entry.Key)}");
        _buffer.Append(Quote(key)).Append(_colon);
        Write(entry.Value, level);
    }

    private void WriteMany<T>(char open, IReadOnlyList<T> items, int level, char close, Action<T> write)
    {
        _buffer.Append(open.ToString());
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0)
                _buffer.Append(_comma);
            NewLine(level + 1);
            write(items[i]);
        }
        if (items.Count > 0)
            NewLine(level);
        _buffer.Append(close.ToString());
    }

    private void NewLine(int level)
    {
        if (_indent is null)
            return;
        _buffer.Append("\n");
        for (int i = 0; i < level; i++)
            _buffer.Append(_indent);
    }

    private static string? Simple(object value) => value switch
    {
        NoneValue => "null",
        bool flag => flag ? "true" : "false",
        BigInteger number => PythonText.Digits(number),
        double number => PythonNumbers.Text(number) switch { "nan" => "NaN", "inf" => "Infinity", "-inf" => "-Infinity", var text => text },
        _ => null,
    };

    private string Quote(string text)
    {
        _run.Characters(text.Length);
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (char character in text)
            if (Escape(character) is { } escape)
                quoted.Append(escape);
            else if (character < ' ' || (_isAscii && character > '~'))
                quoted.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture));
            else
                quoted.Append(character);
        return quoted.Append('"').ToString();
    }

    private static string? Escape(char character) => character switch
    {
        '"' => "\\\"", '\\' => "\\\\", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", '\b' => "\\b", '\f' => "\\f", _ => null,
    };
}
