namespace Microsoft.ML.Trl.Generation;

/// <summary>Ends a row when its new text contains one of several texts.</summary>
public sealed class StopStrings
{
    private readonly IReadOnlyList<string> _texts;
    private readonly Func<IReadOnlyList<int>, string> _decode;
    private readonly int _longest;

    /// <param name="texts">Texts of at least one character.</param>
    /// <param name="decode">From new tokens to text.</param>
    /// <exception cref="ArgumentException">There is no list, or one of its texts is null or empty.</exception>
    public StopStrings(IReadOnlyList<string> texts, Func<IReadOnlyList<int>, string> decode)
    {
        Check(texts);
        ArgumentNullException.ThrowIfNull(decode);
        (_texts, _decode) = (texts, decode);
        _longest = texts.Count == 0 ? 0 : texts.Max(text => text.Length);
    }

    /// <summary>Fails unless every text has a character.</summary>
    internal static void Check(IReadOnlyList<string>? texts)
    {
        if (texts is null)
            throw new ArgumentException("StopStrings is null; it must be a list of texts, an empty one for none.", nameof(texts));
        for (int i = 0; i < texts.Count; i++)
            if (string.IsNullOrEmpty(texts[i]))
                throw new ArgumentException(
                    $"StopStrings[{i}] is {(texts[i] is null ? "null" : "an empty text")}; each must be a text of at least one character.",
                    nameof(texts));
    }

    /// <summary>Whether the newest token completed one of the texts.</summary>
    /// <param name="tokens">The row's new tokens.</param>
    /// <exception cref="InvalidOperationException">The decoder gave no text.</exception>
    public bool IsReached(IReadOnlyList<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (_texts.Count == 0)
            return false;
        int tail = Math.Min(tokens.Count, (4 * _longest) + 4); // a character may take up to four byte tokens
        string text = _decode([.. tokens.Skip(tokens.Count - tail)])
            ?? throw new InvalidOperationException("The function decode gave null for new tokens; it must give a text.");
        return _texts.Any(stop => text.Contains(stop, StringComparison.Ordinal));
    }
}
