using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Jinja's filters of numbers.</summary>
internal static class NumberFilters
{
    public static object Abs(Rendering run, object value, CallArguments call)
    {
        call.Bind(run);
        return PythonNumbers.AsInteger(value) is { } whole ? BigInteger.Abs(whole) : Math.Abs(Real(run, value));
    }

    public static object Int(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "default?", "base?");
        if (value is UndefinedValue undefined)
            throw run.Error(undefined.Message);
        object absent = bound[0] ?? BigInteger.Zero;
        if (PythonText.AsText(value) is { } text)
        {
            run.Characters(text.Length);
            if (text.Length <= PythonNumbers.MostDigits)
                run.Step(text.Length * text.Length / 512); // reading a whole number takes the square of its digits
            return PythonNumbers.ParseInteger(text, bound.Integer(1, 10)) ?? Whole(PythonNumbers.ParseFloat(text)) ?? absent;
        }
        if (value is double.PositiveInfinity or double.NegativeInfinity)
            throw run.Error("cannot convert float infinity to integer");
        return PythonNumbers.AsInteger(value) ?? Whole(value as double?) ?? absent;
    }

    private static BigInteger? Whole(double? number)
        => number is { } real && double.IsFinite(real) ? new BigInteger(Math.Truncate(real)) : null;

    public static object Float(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "default?");
        if (value is UndefinedValue undefined)
            throw run.Error(undefined.Message);
        if (PythonNumbers.IsNumber(value))
            return PythonNumbers.ToDouble(value);
        return (PythonText.AsText(value) is { } text ? PythonNumbers.ParseFloat(text) : null) ?? bound[0] ?? 0.0;
    }

    public static object Round(Rendering run, object value, CallArguments call)
    {
        BoundArguments bound = call.Bind(run, "precision?", "method?");
        int precision = bound.Integer(0, 0);
        string method = bound.TextOr(1, "common")!;
        if (method is not ("common" or "ceil" or "floor"))
            throw run.Error("method must be common, ceil or floor");
        if (Math.Abs((long)precision) > PythonNumbers.MostDecimals)
            throw run.LimitPassed($"{precision} decimals", $"the limit is {PythonNumbers.MostDecimals}", null);
        run.Step(Math.Abs(precision));
        if (method != "common")
        {
            double factor = Math.Pow(10, precision), scaled = Real(run, value) * factor;
            return (method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / factor;
        }
        if (PythonNumbers.AsInteger(value) is { } whole)
            return precision >= 0 ? whole : Rounded(whole, BigInteger.Pow(10, -precision));
        double real = Real(run, value);
        if (!double.IsFinite(real) || precision > 400)
            return real;
        string digits = precision >= 0
            ? PythonNumbers.Fixed(Math.Abs(real), precision)
            : PythonText.Digits(PythonNumbers.Scaled(Math.Abs(real), precision) * BigInteger.Pow(10, -precision));
        return Math.CopySign(double.Parse(digits, CultureInfo.InvariantCulture), real);
    }

    // to a multiple of the unit, halves to the even one
    private static object Rounded(BigInteger whole, BigInteger unit)
    {
        BigInteger quotient = BigInteger.DivRem(BigInteger.Abs(whole), unit, out BigInteger rest);
        int half = (rest * 2).CompareTo(unit);
        if (half > 0 || (half == 0 && !quotient.IsEven))
            quotient++;
        return quotient * unit * whole.Sign;
    }

    public static object FileSize(Rendering run, object value, CallArguments call)
    {
        bool isBinary = call.Bind(run, "binary?").Flag(0);
        double size = PythonText.AsText(value) is { } text ? PythonNumbers.ParseFloat(text) ?? Real(run, value) : Real(run, value);
        int unit = isBinary ? 1024 : 1000;
        if (size == 1)
            return "1 Byte";
        if (size < unit)
            return $"{PythonText.Digits(new BigInteger(size))} Bytes";
        string[] prefixes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
        int place = 0;
        double scaled = size / unit;
        for (; place + 1 < prefixes.Length && scaled >= unit; place++)
            scaled /= unit;
        string prefix = isBinary ? prefixes[place].ToUpperInvariant() + "i" : prefixes[place];
        return double.IsFinite(scaled) ? $"{PythonNumbers.Fixed(scaled, 1)} {prefix}B" : throw run.Error("this is no size of a file");
    }

    private static double Real(Rendering run, object value) => PythonNumbers.IsNumber(value)
        ? PythonNumbers.ToDouble(value)
        : throw run.Error(value is UndefinedValue undefined ? undefined.Message : $"a number is needed, not {ValueTypes.NameOf(value)}");
}
