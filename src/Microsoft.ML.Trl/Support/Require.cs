using System.Globalization;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl.Support;

/// <summary>Checks of option values; each message says what was given and what is allowed. Null passes: not set.</summary>
internal static class Require
{
    /// <returns>The value, if it is one.</returns>
    public static T NotNull<T>(T value, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : class => value ?? throw new ArgumentNullException(name);

    public static void Positive(double? value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (value is { } number && !(number > 0 && double.IsFinite(number)))
            throw Wrong(name, number, "must be a finite number greater than 0");
    }

    public static void NotNegative(double? value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (value is { } number && !(number >= 0 && double.IsFinite(number)))
            throw Wrong(name, number, "must be a finite number, 0 or greater");
    }

    public static void Finite(double value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (!double.IsFinite(value))
            throw Wrong(name, value, "must be a finite number");
    }

    /// <summary>Both bounds are allowed.</summary>
    public static void Between(double? value, double low, double high, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (value is { } number && !(number >= low && number <= high))
            throw Wrong(name, number, $"must lie between {Text(low)} and {Text(high)}");
    }

    /// <summary>The lower bound is allowed, the upper one is not.</summary>
    public static void Below(double value, double low, double high, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (!(value >= low && value < high))
            throw Wrong(name, value, $"must be at least {Text(low)} and below {Text(high)}");
    }

    public static void AtLeast(int? value, int least, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (value is { } number && number < least)
            throw Wrong(name, FormattableString.Invariant($"{number}"), FormattableString.Invariant($"must be {least} or greater"));
    }

    public static void Known<T>(T value, [CallerArgumentExpression(nameof(value))] string name = "") where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentException($"{name} ({value}) must be one of {string.Join(", ", Enum.GetNames<T>())}.", name);
    }

    /// <summary>Of a type that has more values than the option knows.</summary>
    public static void OneOf<T>(
        T value, ReadOnlySpan<T> allowed, [CallerArgumentExpression(nameof(value))] string name = "") where T : struct, Enum
    {
        if (!allowed.Contains(value))
            throw new ArgumentException($"{name} ({value}) must be one of {string.Join(", ", allowed.ToArray())}.", name);
    }

    public static void Named(string value, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (string.IsNullOrWhiteSpace(value))
            throw new ArgumentException($"{name} is empty; it must be the name of a column.", name);
    }

    private static ArgumentOutOfRangeException Wrong(string name, double value, string rule) => Wrong(name, Text(value), rule);

    private static ArgumentOutOfRangeException Wrong(string name, string value, string rule) => new(name, $"{name} ({value}) {rule}.");

    private static string Text(double value) => value.ToString("G9", CultureInfo.InvariantCulture);
}
