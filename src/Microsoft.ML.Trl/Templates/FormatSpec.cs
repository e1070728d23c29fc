using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Python's format specifications: [[fill]align][sign][#][0][width][grouping][.precision][type].</summary>
internal static class FormatSpec
{
    private const string AllKinds = "bcdeEfFgGnosxX%";

    /// <summary>A value as a specification says; an empty one is str(value).</summary>
    public static string Apply(Rendering run, object value, string spec)
    {
        if (spec.Length == 0)
            return PythonText.Of(run, value);
        int at = 0;
        (string fill, char align) = ReadAlign(spec, ref at);
        string plus = at < spec.Length && spec[at] is '+' or ' ' or '-' ? spec[at++].ToString().TrimStart('-') : "";
        bool isAlternate = Skip('#'), isZero = Skip('0');
        int width = ReadNumber(run, spec, ref at) ?? 0;
        string groups = Skip(',') ? "," : Skip('_') ? "_" : "";
        int? precision = Skip('.') ? ReadNumber(run, spec, ref at) ?? throw run.Error("Format specifier missing precision") : null;
        char kind = at < spec.Length ? spec[at++] : '\0';
        if (at < spec.Length || (kind != '\0' && !AllKinds.Contains(kind)))
            throw run.Error($"Invalid format specifier '{spec}' for object of type '{ValueTypes.NameOf(value)}'");
        bool isNumber = PythonNumbers.IsNumber(value) && !(value is bool && kind is '\0' or 's');
        string text = isNumber
            ? Number(run, value, kind, precision, plus, isAlternate, groups)
            : Plain(run, value, kind, precision);
        if (isZero && align == '\0')
            (fill, align) = ("0", isNumber ? '=' : '<');
        return Aligned(run, text, width, fill, align == '\0' ? isNumber ? '>' : '<' : align);

        bool Skip(char character)
        {
            bool isThere = at < spec.Length && spec[at] == character;
            at += isThere ? 1 : 0;
            return isThere;
        }
    }

    private static (string Fill, char Align) ReadAlign(string spec, ref int at)
    {
        int first = CodePoints.Offset(spec, 1);
        if (first < spec.Length && "<>=^".Contains(spec[first]))
        {
            at = first + 1;
            return (spec[..first], spec[first]);
        }
        return "<>=^".Contains(spec[0]) ? (" ", spec[at++]) : (" ", '\0');
    }

    private static int? ReadNumber(Rendering run, string spec, ref int at)
    {
        int from = at;
        while (at < spec.Length && char.IsAsciiDigit(spec[at]))
            at++;
        if (at == from)
            return null;
        return int.TryParse(spec.AsSpan(from, at - from), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw run.Error("Too many decimal digits in format string");
    }

    private static string Plain(Rendering run, object value, char kind, int? precision)
    {
        if (kind is not ('\0' or 's') || (PythonText.AsText(value) is null && value is not (bool or UndefinedValue)))
            throw run.Error(PythonText.AsText(value) is null
                ? $"unsupported format string passed to {ValueTypes.NameOf(value)}.__format__"
                : $"Unknown format code '{kind}' for object of type '{ValueTypes.NameOf(value)}'");
        string text = PythonText.Of(run, value);
        return precision is { } most ? text[..CodePoints.Offset(text, most)] : text;
    }

    private static string Aligned(Rendering run, string text, int width, string fill, char align)
    {
        if (align != '=')
        {
            if (align == '^') // the odd one goes to the right, unlike in str.center
            {
                int missing = Math.Max(0, width - CodePoints.Count(text));
                text = StringMethods.Padded(run, text, CodePoints.Count(text) + (missing / 2), fill, left: true, right: false);
            }
            return StringMethods.Padded(run, text, width, fill, left: align == '>', right: align != '>');
        }
        int sign = text.Length > 0 && text[0] is '-' or '+' or ' ' ? 1 : 0;
        return text[..sign] + StringMethods.Padded(run, text[sign..], width - sign, fill, left: true, right: false);
    }

    /// <summary>A number by the letter of its format.</summary>
    public static string Number(Rendering run, object value, char kind, int? precision, string plus, bool isAlternate, string groups)
    {
        if (precision > PythonNumbers.MostDecimals)
            throw run.LimitPassed($"{precision} decimals", $"the limit is {PythonNumbers.MostDecimals}", null);
        run.Step(precision ?? 0);
        bool isWhole = value is not double;
        if (isWhole && kind is '\0' or 'd' or 'n' or 'b' or 'o' or 'x' or 'X' or 'c')
        {
            if (!isWhole)
                throw run.Error($"Unknown format code '{kind}' for object of type 'float'");
            BigInteger number = PythonNumbers.AsInteger(value)!.Value;
            string digits = Grouped(Digits(BigInteger.Abs(number), kind, isAlternate), groups);
            return (number.Sign < 0 ? "-" : plus) + (precision is { } least ? digits.PadLeft(least, '0') : digits);
        }
        double real = PythonNumbers.ToDouble(value);
        string sign = double.IsNegative(real) && !double.IsNaN(real) ? "-" : plus;
        string text = FloatFormat.Apply(Math.Abs(real), kind, precision, isAlternate);
        return sign + Grouped(text, groups);
    }

    private static string Digits(BigInteger magnitude, char kind, bool isAlternate)
    {
        int radix = kind switch { 'b' => 2, 'o' => 8, 'x' or 'X' => 16, _ => 10 };
        if (radix == 10)
            return PythonText.Digits(magnitude);
        var digits = new Stack<char>();
        do
        {
            digits.Push("0123456789abcdef"[(int)(magnitude % radix)]);
            magnitude /= radix;
        }
        while (!magnitude.IsZero);
        string text = (isAlternate ? "0" + kind : "") + string.Concat(digits);
        return kind == 'X' ? text.ToUpperInvariant() : text;
    }

    private static string Grouped(string number, string separator)
    {
        int whole = 0;
        while (whole < number.Length && char.IsAsciiDigit(number[whole]))
            whole++;
        if (separator.Length == 0 || whole <= 3)
            return number;
        int first = ((whole - 1) % 3) + 1;
        IEnumerable<string> parts = Enumerable.Range(0, (whole - first) / 3).Select(i => number.Substring(first + (3 * i), 3));
        return string.Join(separator, parts.Prepend(number[..first])) + number[whole..];
    }
}
