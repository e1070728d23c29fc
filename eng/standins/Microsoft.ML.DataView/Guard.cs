using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML;

/// <summary>Argument checks that raise what the real assembly raises.</summary>
internal static class Guard
{
    public static void InRange([DoesNotReturnIf(false)] bool holds, string name, string message = null)
    {
        if (!holds)
            throw message is null ? new ArgumentOutOfRangeException(name) : new ArgumentOutOfRangeException(name, message);
    }

    public static void NotNull([NotNull] object value, string name)
    {
        if (value is null)
            throw new ArgumentNullException(name);
    }

    public static void NotEmpty([NotNull] string value, string name)
    {
        if (string.IsNullOrEmpty(value))
            throw new ArgumentNullException(name);
    }
}
