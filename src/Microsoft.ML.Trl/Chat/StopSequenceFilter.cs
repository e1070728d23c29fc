namespace Microsoft.ML.Trl.Chat;

/// <summary>Lets a text through piece by piece up to the first of some sequences, which it leaves out.</summary>
/// <param name="sequences">What ends the text; none lets everything through.</param>
internal sealed class StopSequenceFilter(IReadOnlyList<string> sequences)
{
    private string _held = "";

    /// <summary>Whether a sequence was met: nothing further is let through.</summary>
    public bool IsReached { get; private set; }

    /// <summary>Takes a piece and gives what can be said: all but what may be the beginning of a sequence.</summary>
    public string Append(string piece)
    {
        if (IsReached)
            return "";
        string text = _held + piece;
        int end = sequences.Select(sequence => text.IndexOf(sequence, StringComparison.Ordinal)).Where(at => at >= 0)
            .DefaultIfEmpty(-1).Min();
        IsReached = end >= 0;
        int said = IsReached ? end : text.Length - sequences.Select(sequence => Begun(text, sequence)).DefaultIfEmpty(0).Max();
        _held = IsReached ? "" : text[said..];
        return text[..said];
    }

    /// <summary>What was held back, where the text ends.</summary>
    public string End() => IsReached ? "" : _held;

    // how many characters at the end of the text the sequence begins with
    private static int Begun(string text, string sequence)
    {
        for (int length = Math.Min(text.Length, sequence.Length - 1); length > 0; length--)
            if (text.EndsWith(sequence[..length], StringComparison.Ordinal))
                return length;
        return 0;
    }
}
