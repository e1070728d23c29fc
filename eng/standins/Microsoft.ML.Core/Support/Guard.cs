using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Checks that raise marked exceptions of the kinds that ML.NET raises.</summary>
internal static class Guard
{
    public static void That([DoesNotReturnIf(false)] bool holds, string message = null, IExceptionContext context = null)
    {
        if (!holds)
            throw Fail.State(message, context: context);
    }

    public static void Argument([DoesNotReturnIf(false)] bool holds, string name, string message = null, IExceptionContext context = null)
    {
        if (!holds)
            throw Fail.Argument(name, message, context);
    }

    public static void NotNull([NotNull] object value, string name, IExceptionContext context = null)
    {
        if (value is null)
            throw Fail.Marked(new ArgumentNullException(name), context);
    }

    public static void NotEmpty([NotNull] string value, string name, IExceptionContext context = null)
    {
        if (string.IsNullOrEmpty(value))
            throw Fail.Argument(name, $"{name} cannot be null or empty", context);
    }

    public static void NotEmpty<T>([NotNull] IReadOnlyCollection<T> value, string name, IExceptionContext context = null)
    {
        if (value is null || value.Count == 0)
            throw Fail.Argument(name, $"{name} cannot be null or empty", context);
    }

    public static void Decoded([DoesNotReturnIf(false)] bool holds, string message = null, IExceptionContext context = null)
    {
        if (!holds)
            throw Fail.Decode(message, context: context);
    }
}

/// <summary>Makes exceptions that are marked as ML.NET's own; the loader wraps those differently from foreign ones.</summary>
internal static class Fail
{
    private const string MarkKey = "ML_IsMarked";

    public static bool IsMarked(Exception exception) => exception.Data.Contains(MarkKey);

    public static T Marked<T>(T exception, IExceptionContext context = null)
        where T : Exception
    {
        if (context is not null)
            return context.Process(exception);
        exception.Data[MarkKey] = 1;
        return exception;
    }

    public static Exception State(string message = null, Exception inner = null, IExceptionContext context = null) =>
        Marked(message is null ? new InvalidOperationException() : new InvalidOperationException(message, inner), context);

    public static Exception Argument(string name, string message = null, IExceptionContext context = null) =>
        Marked(message is null ? new ArgumentOutOfRangeException(name) : new ArgumentOutOfRangeException(name, message), context);

    public static Exception Decode(string message = null, Exception inner = null, IExceptionContext context = null) =>
        Marked(message is null ? new FormatException() : new FormatException(message, inner), context);

    public static Exception NotSupported(string message, IExceptionContext context = null) =>
        Marked(new NotSupportedException(message), context);

    public static Exception MissingColumn(string parameter, string role, string column, IExceptionContext context = null) =>
        Argument(parameter, $"Could not find {role} column '{column}'", context);

    public static Exception SchemaMismatch(string parameter, string role, string column, string expected, string actual, IExceptionContext context = null) =>
        Argument(parameter, $"Schema mismatch for {role} column '{column}': expected {expected}, got {actual}", context);
}
