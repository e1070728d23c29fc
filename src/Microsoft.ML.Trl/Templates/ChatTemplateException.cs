namespace Microsoft.ML.Trl;

/// <summary>
/// A chat template refuses the conversation (<c>raise_exception</c>, whose text is the message), does with its data what Python would
/// not, or passes a limit.
/// </summary>
public sealed class ChatTemplateException : InvalidOperationException
{
    internal ChatTemplateException(string message, int line) : base(message) => Line = line;

    /// <summary>Line of the template, counted from 1.</summary>
    public int Line { get; }
}
