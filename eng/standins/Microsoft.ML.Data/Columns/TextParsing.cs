using System.Globalization;

namespace Microsoft.ML.Data;

/// <summary>Reads values from text as ML.NET does. False means that the text is no such value.</summary>
internal static class TextParsing
{
    /// <summary>?, NA, N/A and NaN stand for a missing value.</summary>
    public static bool IsMissing(ReadOnlySpan<char> text) =>
        text is "?" || text.Equals("NA", StringComparison.OrdinalIgnoreCase) || text.Equals("N/A", StringComparison.OrdinalIgnoreCase)
        || text.Equals("NaN", StringComparison.OrdinalIgnoreCase);

    /// <summary>Empty text is 0.</summary>
    public static bool TrySigned(ReadOnlySpan<char> text, long largest, out long value)
    {
        value = 0;
        if (text.IsEmpty)
            return true;
        bool isNegative = text[0] == '-';
        if (!TryDigits(isNegative ? text[1..] : text, out ulong digits) || digits > (ulong)largest + (isNegative ? 1u : 0u))
            return false;
        value = isNegative ? unchecked(-(long)digits) : (long)digits;
        return true;
    }

    /// <summary>Empty text is no number here.</summary>
    public static bool TryUnsigned(ReadOnlySpan<char> text, ulong largest, out ulong value)
    {
        if (TryDigits(text, out value) && value <= largest)
            return true;
        value = 0;
        return false;
    }

    /// <summary>Empty text is 0, or NaN on demand; what cannot be read is NaN.</summary>
    public static bool TryReal(ReadOnlySpan<char> text, RealFormat format, out double value)
    {
        ReadOnlySpan<char> rest = text.TrimStart();
        // ML.NET reads no more than one character behind white space.
        bool isTooLong = rest.Length < text.Length && rest.Length > 1;
        text = rest.TrimEnd();
        value = double.NaN;
        if (text.IsEmpty)
        {
            value = format.EmptyIsMissing ? double.NaN : 0;
            return true;
        }
        if (isTooLong)
            return false;
        double? special = text switch
        {
            "?" or "NaN" => double.NaN,
            "Infinity" or "∞" => double.PositiveInfinity,
            "-Infinity" or "-∞" => double.NegativeInfinity,
            _ => null,
        };
        value = special ?? double.NaN;
        if (special.HasValue)
            return true;
        char last = text[^1];
        bool isNumber = text.IndexOfAnyExcept("0123456789+-eE" + format.DecimalMarker) < 0 && (char.IsAsciiDigit(last) || last == format.DecimalMarker);
        if (isNumber && double.TryParse(format.DecimalMarker == '.' ? text : text.ToString().Replace(format.DecimalMarker, '.'), NumberStyles.Float, CultureInfo.InvariantCulture, out value))
            return true;
        value = double.NaN;
        return false;
    }

    /// <summary>Empty text is false.</summary>
    public static bool TryBoolean(ReadOnlySpan<char> text, out bool value)
    {
        Span<char> lower = stackalloc char[6];
        int length = text.Length < lower.Length ? text.ToLowerInvariant(lower) : lower.Length;
        value = lower[..length] is "t" or "y" or "1" or "+" or "+1" or "yes" or "true";
        return value || lower[..length] is "" or "f" or "n" or "0" or "-" or "no" or "-1" or "false";
    }

    /// <summary>The number in the text plus 1; empty and missing are 0, the missing key.</summary>
    public static bool TryKey(ReadOnlySpan<char> text, ulong count, out ulong key)
    {
        key = 0;
        if (text.IsEmpty || IsMissing(text))
            return true;
        if (!TryUnsigned(text, count - 1, out ulong number))
            return false;
        key = number + 1;
        return true;
    }

    public static bool TryTimeSpan(ReadOnlySpan<char> text, out TimeSpan value)
    {
        value = default;
        return text.IsEmpty || TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value);
    }

    public static bool TryDateTime(ReadOnlySpan<char> text, out DateTime value)
    {
        value = default;
        return text.IsEmpty || DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out value);
    }

    public static bool TryDateTimeOffset(ReadOnlySpan<char> text, out DateTimeOffset value)
    {
        value = default;
        return text.IsEmpty || DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out value);
    }

    /// <summary>0x and 32 hexadecimal digits, the high half first.</summary>
    public static bool TryRowId(ReadOnlySpan<char> text, out DataViewRowId value)
    {
        value = default;
        if (text.Length != 34 || text[0] != '0' || text[1] is not ('x' or 'X') || !UInt128.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 bits))
            return false;
        value = new DataViewRowId((ulong)bits, (ulong)(bits >> 64));
        return true;
    }

    private static bool TryDigits(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}

/// <summary>How real numbers stand in a text.</summary>
internal readonly record struct RealFormat(char DecimalMarker, bool EmptyIsMissing)
{
    public static RealFormat Default { get; } = new('.', EmptyIsMissing: false);
}
