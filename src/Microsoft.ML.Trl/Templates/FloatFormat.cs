using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Floats with a given number of decimals or digits: Python's formats e, f, g and %; exact, halves to even.</summary>
internal static class FloatFormat
{
    /// <param name="magnitude">Without its sign.</param>
    /// <param name="kind">e, E, f, F, g, G, n, %, or '\0': as repr, but for the precision.</param>
    /// <param name="precision">Decimals, of g significant digits; 6 where it is not given.</param>
    /// <param name="isAlternate">g keeps zeros at the end.</param>
    public static string Apply(double magnitude, char kind, int? precision, bool isAlternate)
    {
        if (!double.IsFinite(magnitude))
            return (double.IsNaN(magnitude) ? "nan" : "inf") is var text && char.IsAsciiLetterUpper(kind) ? text.ToUpperInvariant() : text;
        return kind switch
        {
            'f' or 'F' => PythonNumbers.Fixed(magnitude, precision ?? 6),
            '%' => PythonNumbers.Fixed(magnitude * 100, precision ?? 6) + "%",
            'e' or 'E' => Scientific(magnitude, precision ?? 6, kind),
            '\0' when precision is null => PythonNumbers.Text(magnitude),
            _ => General(magnitude, Math.Max(precision ?? 6, 1), kind, isAlternate),
        };
    }

    private static string Scientific(double magnitude, int decimals, char letter)
    {
        (BigInteger digits, int exponent) = Rounded(magnitude, decimals + 1);
        string text = digits.ToString(CultureInfo.InvariantCulture).PadRight(decimals + 1, '0');
        return (decimals == 0 ? text : text[..1] + "." + text[1..]) + Exponent(exponent, letter);
    }

    private static string Exponent(int exponent, char letter)
        => $"{letter}{(exponent < 0 ? "-" : "+")}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";

    private static string General(double magnitude, int count, char kind, bool isAlternate)
    {
        int exponent = Rounded(magnitude, count).Exponent;
        bool isShort = exponent >= -4 && exponent < (kind == '\0' ? count - 1 : count);
        string number = isShort
            ? PythonNumbers.Fixed(magnitude, count - 1 - exponent)
            : Scientific(magnitude, count - 1, kind is 'E' or 'G' ? 'E' : 'e');
        if (isAlternate)
            return number;
        int letter = number.IndexOfAny(['e', 'E']);
        string mantissa = letter < 0 ? number : number[..letter], rest = letter < 0 ? "" : number[letter..];
        if (mantissa.Contains('.'))
            mantissa = mantissa.TrimEnd('0').TrimEnd('.');
        return mantissa + (kind == '\0' && letter < 0 && !mantissa.Contains('.') ? ".0" : "") + rest;
    }

    // so many significant digits, and the power of ten of the first
    private static (BigInteger Digits, int Exponent) Rounded(double magnitude, int count)
    {
        if (magnitude == 0)
            return (BigInteger.Zero, 0);
        int exponent = (int)Math.Floor(Math.Log10(magnitude));
        BigInteger top = BigInteger.Pow(10, count);
        for (int guess = exponent - 1; ; guess++)
        {
            BigInteger digits = PythonNumbers.Scaled(magnitude, count - 1 - guess);
            if (digits < top)
                return (digits, guess);
        }
    }
}
