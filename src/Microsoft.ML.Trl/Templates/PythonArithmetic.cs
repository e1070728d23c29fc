using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Python's arithmetic operators, which also join and repeat texts and lists.</summary>
internal static class PythonArithmetic
{
    /// <summary>Most bits of a whole number.</summary>
    private const int MostBits = 1 << 14;

    /// <exception cref="ChatTemplateException">The operator does not go with these values, or the result is too large.</exception>
    public static object Apply(Rendering run, string sign, object left, object right)
    {
        if (sign == "%" && PythonText.AsText(left) is { } format)
            return Like(left, PercentFormat.Apply(run, format, right));
        if ((left as UndefinedValue ?? right as UndefinedValue) is { } undefined)
            throw run.Error(undefined.Message);
        if (PythonNumbers.IsNumber(left) && PythonNumbers.IsNumber(right))
            return Calculate(run, sign, left, right);
        object? result = sign switch
        {
            "+" => Join(run, left, right),
            "*" => Repeat(run, left, right) ?? Repeat(run, right, left),
            _ => null,
        };
        return result ?? throw run.Error(
            $"unsupported operand type(s) for {sign}: '{ValueTypes.NameOf(left)}' and '{ValueTypes.NameOf(right)}'");
    }

    /// <summary>The sign of a number turned, or kept.</summary>
    public static object Unary(Rendering run, string sign, object value)
    {
        if (value is UndefinedValue undefined)
            throw run.Error(undefined.Message);
        if (value is double number)
            return sign == "-" ? -number : number;
        if (PythonNumbers.AsInteger(value) is { } whole)
            return sign == "-" ? -whole : whole;
        throw run.Error($"bad operand type for unary {sign}: '{ValueTypes.NameOf(value)}'");
    }

    // a text that came from a marked one is marked too
    private static object Like(object model, string text) => model is MarkupValue ? new MarkupValue(text) : text;

    private static object? Join(Rendering run, object left, object right)
    {
        if (PythonText.AsText(left) is { } text && PythonText.AsText(right) is { } other)
        {
            bool isMarkup = left is MarkupValue || right is MarkupValue;
            string joined = isMarkup ? HtmlText.Of(run, left) + HtmlText.Of(run, right) : Checked(run, text, other);
            run.Characters(joined.Length);
            return isMarkup ? new MarkupValue(joined) : joined;
        }
        if ((left, right) is not ((ListValue, ListValue) or (TupleValue, TupleValue)))
            return null;
        object[] items = TemplateSequences.Gather(run, [left, right]);
        return left is ListValue ? new ListValue(items) : new TupleValue(items);
    }

    private static string Checked(Rendering run, string left, string right)
    {
        if ((long)left.Length + right.Length > run.LengthLimit)
            run.Characters((long)left.Length + right.Length);
        return left + right;
    }

    private static object? Repeat(Rendering run, object value, object times)
    {
        if (PythonNumbers.AsInteger(times) is not { } count || PythonNumbers.IsNumber(value))
            return null;
        long factor = (long)BigInteger.Clamp(count, 0, int.MaxValue);
        if (PythonText.AsText(value) is { } text)
        {
            factor = text.Length == 0 ? 0 : factor;
            run.Characters(text.Length * factor);
            return Like(value, string.Concat(Enumerable.Repeat(text, (int)factor)));
        }
        if (value is not (ListValue or TupleValue))
            return null;
        var items = (IReadOnlyList<object>)value;
        factor = items.Count == 0 ? 0 : factor;
        run.Characters(items.Count * factor); // a limit for lists too
        run.Step(items.Count * factor);
        object[] repeated = [.. Enumerable.Repeat(items, (int)factor).SelectMany(part => part)];
        return value is ListValue ? new ListValue(repeated) : new TupleValue(repeated);
    }

    private static object Calculate(Rendering run, string sign, object left, object right)
    {
        if (sign is "/" or "//" or "%" && PythonNumbers.ToDouble(right) == 0)
            throw run.Error("division by zero");
        if (PythonNumbers.AsInteger(left) is { } a && PythonNumbers.AsInteger(right) is { } b)
        {
            run.Step((a.GetBitLength() + b.GetBitLength()) / 64);
            return sign switch
            {
                "+" => Bounded(run, a + b),
                "-" => Bounded(run, a - b),
                "*" => Bounded(run, a * b),
                "/" => Quotient(run, a, b),
                "//" => FloorDivide(a, b),
                "%" => a - (FloorDivide(a, b) * b),
                _ => Power(run, a, b),
            };
        }
        double x = PythonNumbers.ToDouble(left), y = PythonNumbers.ToDouble(right);
        return sign switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / y,
            "//" => Math.Floor((x - Remainder(x, y)) / y),
            "%" => Remainder(x, y),
            _ => Power(run, x, y),
        };
    }

    private static BigInteger Bounded(Rendering run, BigInteger value)
    {
        long bits = value.GetBitLength();
        run.Step(bits / 64);
        return bits <= MostBits ? value : throw run.LimitPassed("a whole number of too many digits", $"the limit is {MostBits} bits", null);
    }

    private static double Quotient(Rendering run, BigInteger a, BigInteger b)
    {
        double quotient = (double)a / (double)b;
        return double.IsFinite(quotient) ? quotient : throw run.Error("integer division result too large for a float");
    }

    private static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger rest);
        return !rest.IsZero && (rest.Sign < 0) != (b.Sign < 0) ? quotient - 1 : quotient;
    }

    // the remainder has the sign of the divisor
    private static double Remainder(double x, double y)
    {
        double rest = x % y;
        return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest == 0 ? Math.CopySign(0, y) : rest;
    }

    private static object Power(Rendering run, BigInteger a, BigInteger b)
    {
        if (b.Sign < 0)
            return a.IsZero ? throw run.Error("zero to a negative power") : Math.Pow((double)a, (double)b);
        if (BigInteger.Abs(a) <= 1)
            return b.IsZero || a.IsOne || (a.Sign < 0 && b.IsEven) ? BigInteger.One : a;
        if (b * a.GetBitLength() > 2 * MostBits)
            throw run.LimitPassed("a whole number of too many digits", $"the limit is {MostBits} bits", null);
        return Bounded(run, BigInteger.Pow(a, (int)b));
    }

    private static double Power(Rendering run, double x, double y)
    {
        if (x == 0 && y < 0)
            throw run.Error("zero to a negative power");
        double power = Math.Pow(x, y);
        if (double.IsInfinity(power) && double.IsFinite(x) && double.IsFinite(y))
            throw run.Error("Numerical result out of range");
        return double.IsNaN(power) && !double.IsNaN(x) && !double.IsNaN(y)
            ? throw run.Error("a negative number to a fractional power")
            : power;
    }
}
