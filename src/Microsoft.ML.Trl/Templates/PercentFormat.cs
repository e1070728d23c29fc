using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Python's format % values.</summary>
internal sealed class PercentFormat
{
    private readonly Rendering _run;
    private readonly string _format;
    private readonly object _values;
    private int _at;
    private int _used;

    private PercentFormat(Rendering run, string format, object values)
    {
        (_run, _format, _values) = (run, format, values);
    }

    /// <param name="run">The rendering.</param>
    /// <param name="format">Text with directives such as %s, %-8s, %05.2f, %(name)s.</param>
    /// <param name="values">A tuple of values, a dict, or one value.</param>
    public static string Apply(Rendering run, string format, object values) => new PercentFormat(run, format, values).Write();

    private string Write()
    {
        var buffer = new TextBuffer(_run);
        while (_at < _format.Length)
        {
            int sign = _format.IndexOf('%', _at);
            buffer.Append(_format[_at..(sign < 0 ? _format.Length : sign)]);
            _at = sign < 0 ? _format.Length : sign + 1;
            if (sign >= 0)
                buffer.Append(Directive());
        }
        if (_values is TupleValue tuple && _used < tuple.Count)
            throw _run.Error("not all arguments converted during string formatting");
        if (_values is not (TupleValue or DictValue or ListValue or UndefinedValue) && _used == 0)
            throw _run.Error("not all arguments converted during string formatting");
        return buffer.ToString();
    }

    private string Directive()
    {
        _run.Step();
        object? named = Named();
        string flags = Skip("#0- +");
        int width = Number() ?? 0;
        if (width < 0)
            (flags, width) = (flags + "-", -width);
        int? precision = null;
        if (Peek == '.')
        {
            _at++;
            precision = Number() ?? 0;
        }
        Skip("hlL");
        char kind = Peek;
        _at++;
        if (kind == '%')
            return "%";
        object value = named ?? Next();
        string text = Converted(kind, value, precision, flags);
        bool isLeft = flags.Contains('-');
        if (flags.Contains('0') && !isLeft && kind is not ('s' or 'r' or 'a' or 'c'))
        {
            int sign = text.Length > 0 && text[0] is '-' or '+' or ' ' ? 1 : 0;
            return text[..sign] + StringMethods.Padded(_run, text[sign..], width - sign, "0", left: true, right: false);
        }
        return StringMethods.Padded(_run, text, width, " ", left: !isLeft, right: isLeft);
    }

    private char Peek => _at < _format.Length ? _format[_at] : throw _run.Error("incomplete format");

    private object? Named()
    {
        if (Peek != '(')
            return null;
        int close = _format.IndexOf(')', _at);
        if (close < 0)
            throw _run.Error("incomplete format key");
        string key = _format[(_at + 1)..close];
        _at = close + 1;
        if (_values is not DictValue dict)
            throw _run.Error("format requires a mapping");
        return dict.Find(key) ?? throw _run.Error($"the format needs the key '{key}', which is not there");
    }

    private string Skip(string allowed)
    {
        int from = _at;
        while (allowed.Contains(Peek))
            _at++;
        return _format[from.._at];
    }

    private int? Number()
    {
        if (Peek == '*')
        {
            _at++;
            return (int)BigInteger.Clamp(PythonNumbers.AsInteger(Next()) ?? throw _run.Error("* wants int"), -int.MaxValue, int.MaxValue);
        }
        string digits = Skip("0123456789");
        if (digits.Length == 0)
            return null;
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw _run.Error("the width or precision of a format is too large");
    }

    private object Next()
    {
        if (_values is TupleValue tuple ? _used >= tuple.Count : _used > 0)
            throw _run.Error("not enough arguments for format string");
        return _values is TupleValue several ? several[_used++] : _used++ == 0 ? _values : NoneValue.Instance;
    }

    private string Converted(char kind, object value, int? precision, string flags)
    {
        if (kind is 's' or 'r' or 'a')
        {
            string text = kind == 's' ? PythonText.Of(_run, value) : PythonText.Quoted(_run, value);
            return precision is { } most ? text[..CodePoints.Offset(text, most)] : text;
        }
        if (kind == 'c')
            return value is BigInteger code && code >= 0 && code <= 0xffff
                ? ((char)(int)code).ToString()
                : PythonText.AsText(value) ?? throw _run.Error("%c requires an int or a unicode character");
        if (!"diuxXoeEfFgG".Contains(kind))
            throw _run.Error($"unsupported format character '{kind}' in a format");
        string plus = flags.Contains('+') ? "+" : flags.Contains(' ') ? " " : "";
        if (!PythonNumbers.IsNumber(value))
            throw _run.Error(value is UndefinedValue undefined
                ? undefined.Message
                : $"%{kind} format: a real number is required, not {ValueTypes.NameOf(value)}");
        if (kind is 'd' or 'i' or 'u' && value is double number)
            value = double.IsFinite(number) ? new BigInteger(number) : throw _run.Error("cannot convert float infinity or NaN to integer");
        string spec = kind is 'i' or 'u' ? "d" : kind.ToString();
        return FormatSpec.Number(_run, value, spec[0], precision, plus, isAlternate: flags.Contains('#'), groups: "");
    }
}
