using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Numbers as Python reads, compares and prints them. True and False are numbers, 1 and 0.</summary>
internal static class PythonNumbers
{
    /// <summary>Most digits of a whole number in a text, as in Python.</summary>
    public const int MostDigits = 4300;

    /// <summary>Most decimals that are printed.</summary>
    public const int MostDecimals = 1000;

    public static bool IsNumber(object value) => value is BigInteger or double or bool;

    /// <summary>A whole number or a truth value as a whole number; null for anything else.</summary>
    public static BigInteger? AsInteger(object value) => value switch
    {
        BigInteger number => number,
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        _ => null,
    };

    public static double ToDouble(object value) => value is double number ? number : (double)AsInteger(value)!.Value;

    public static bool AreEqual(object left, object right) => Compare(left, right) == 0;

    /// <summary>Less than, equal to or greater than 0; null where one is not a number (NaN).</summary>
    public static int? Compare(object left, object right)
    {
        if (AsInteger(left) is { } x && AsInteger(right) is { } y)
            return x.CompareTo(y);
        double a = ToDouble(left), b = ToDouble(right);
        if (double.IsNaN(a) || double.IsNaN(b))
            return null;
        if (!double.IsFinite(a) || !double.IsFinite(b) || (left is double && right is double))
            return a.CompareTo(b);
        int whole = Whole(left).CompareTo(Whole(right)); // exact, also where the whole number has more digits than a double
        return whole != 0 ? whole : (a - Math.Floor(a)).CompareTo(b - Math.Floor(b));

        static BigInteger Whole(object value) => value is double number ? new BigInteger(Math.Floor(number)) : AsInteger(value)!.Value;
    }

    /// <summary>repr of a float: the shortest digits that mean it.</summary>
    public static string Text(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        if (value == 0)
            return double.IsNegative(value) ? "-0.0" : "0.0";
        string shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        return (value < 0 ? "-" : "") + Place(DigitsOf(shortest), ExponentOf(shortest));
    }

    // digits as "12.5", "0.001" or "1e+16"
    private static string Place(string digits, int exponent)
    {
        if (exponent is < -4 or >= 16)
        {
            string fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{digits[0]}{fraction}e{(exponent < 0 ? "-" : "+")}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
        }
        if (exponent < 0)
            return "0." + new string('0', -exponent - 1) + digits;
        string whole = digits.PadRight(exponent + 1, '0');
        string rest = whole[(exponent + 1)..];
        return whole[..(exponent + 1)] + "." + (rest.Length > 0 ? rest : "0");
    }

    private static string DigitsOf(string number)
    {
        int end = number.IndexOf('E');
        string digits = (end < 0 ? number : number[..end]).Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        return digits.Length > 0 ? digits : "0";
    }

    private static int ExponentOf(string number)
    {
        int end = number.IndexOf('E');
        if (end >= 0)
            return int.Parse(number.AsSpan(end + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        int point = number.IndexOf('.') is var dot and >= 0 ? dot : number.Length;
        int first = number.AsSpan().IndexOfAnyInRange('1', '9');
        return first < point ? point - 1 : point - first;
    }

    /// <summary>A number times a power of ten as a whole number, halves to the even neighbour; exact.</summary>
    /// <param name="magnitude">Finite and at least 0.</param>
    /// <param name="power">May be negative.</param>
    public static BigInteger Scaled(double magnitude, int power)
    {
        long bits = BitConverter.DoubleToInt64Bits(magnitude);
        int exponent = (int)((bits >> 52) & 0x7ff);
        BigInteger top = exponent == 0 ? bits & 0xfffffffffffffL : (bits & 0xfffffffffffffL) | 0x10000000000000L;
        exponent = Math.Max(exponent, 1) - 1075;
        BigInteger bottom = BigInteger.One;
        if (power >= 0)
            top *= BigInteger.Pow(10, power);
        else
            bottom *= BigInteger.Pow(10, -power);
        if (exponent >= 0)
            top <<= exponent;
        else
            bottom <<= -exponent;
        BigInteger whole = BigInteger.DivRem(top, bottom, out BigInteger rest);
        int half = (rest * 2).CompareTo(bottom);
        return half > 0 || (half == 0 && !whole.IsEven) ? whole + 1 : whole;
    }

    /// <summary>A number with so many decimals ("%.2f"), without its sign.</summary>
    public static string Fixed(double magnitude, int decimals)
    {
        string digits = Scaled(magnitude, decimals).ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        return decimals == 0 ? digits : digits[..^decimals] + "." + digits[^decimals..];
    }

    /// <summary>int(text): null where the text is no whole number.</summary>
    public static BigInteger? ParseInteger(string text, int radix = 10)
    {
        string digits = PythonSpace.Strip(text).ToLowerInvariant();
        bool isNegative = digits.StartsWith('-');
        if (isNegative || digits.StartsWith('+'))
            digits = digits[1..];
        int prefixed = digits.Length > 1 && digits[0] == '0' ? digits[1] switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 } : 0;
        if (prefixed > 0 && (radix == 0 || radix == prefixed))
            (digits, radix) = (digits[2..].TrimStart('_'), prefixed);
        if (radix == 0)
            radix = 10;
        if (digits.Length is 0 or > MostDigits || digits[0] == '_' || digits[^1] == '_' || digits.Contains("__", StringComparison.Ordinal))
            return null;
        BigInteger value = BigInteger.Zero;
        foreach (char character in digits)
        {
            if (character == '_')
                continue;
            int digit = "0123456789abcdefghijklmnopqrstuvwxyz".IndexOf(character);
            if (digit < 0 || digit >= radix)
                return null;
            value = (value * radix) + digit;
        }
        return isNegative ? -value : value;
    }

    /// <summary>float(text): null where the text is no number.</summary>
    public static double? ParseFloat(string text)
    {
        string number = PythonSpace.Strip(text).ToLowerInvariant();
        double sign = number.StartsWith('-') ? -1 : 1;
        string magnitude = number.Length > 0 && number[0] is '-' or '+' ? number[1..] : number;
        if (magnitude is "inf" or "infinity")
            return sign * double.PositiveInfinity;
        if (magnitude == "nan")
            return double.NaN;
        if (magnitude.Length == 0 || !(char.IsAsciiDigit(magnitude[0]) || magnitude[0] == '.'))
            return null;
        bool isParsed = double.TryParse(
            magnitude.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture, out double value);
        return isParsed ? sign * value : null;
    }
}
