using System.Buffers;
using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Cuts a text at added tokens: leftmost first, longest among those that start together, as Hugging Face does.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly SearchValues<char> _starts;
    private readonly Dictionary<char, AddedToken[]> _byStart;

    public AddedTokenSplitter(IEnumerable<AddedToken> tokens)
    {
        _byStart = tokens.Where(token => token.Content.Length > 0)
            .GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());
        _starts = SearchValues.Create([.. _byStart.Keys]);
    }

    /// <summary>A stretch of the text: a token, or text still to be encoded when <paramref name="Token"/> is null.</summary>
    internal readonly record struct Part(int Start, int End, AddedToken? Token);

    public List<Part> Split(string text)
    {
        var parts = new List<Part>();
        int done = 0;
        for (int at = 0; at < text.Length;)
        {
            int step = text.AsSpan(at).IndexOfAny(_starts);
            if (step < 0)
                break;
            at += step;
            if (Longest(text, at) is not { } token)
            {
                at++;
                continue;
            }
            (int start, int end) = (at, at + token.Content.Length);
            at = end;
            if (token.SingleWord && (TouchesWord(text.AsSpan(0, start), fromEnd: true) || TouchesWord(text.AsSpan(end), fromEnd: false)))
                continue;
            if (token.Lstrip)
                start = Math.Max(done, text.AsSpan(0, start).TrimEnd().Length);
            if (token.Rstrip)
                end = text.Length - text.AsSpan(end).TrimStart().Length;
            if (done < start)
                parts.Add(new Part(done, start, null));
            parts.Add(new Part(start, end, token));
            done = end;
        }
        if (done < text.Length)
            parts.Add(new Part(done, text.Length, null));
        return parts;
    }

    private AddedToken? Longest(string text, int at)
    {
        foreach (AddedToken token in _byStart[text[at]])
            if (text.AsSpan(at).StartsWith(token.Content, StringComparison.Ordinal))
                return token;
        return null;
    }

    private static bool TouchesWord(ReadOnlySpan<char> text, bool fromEnd)
    {
        Rune rune;
        OperationStatus status = fromEnd ? Rune.DecodeLastFromUtf16(text, out rune, out _) : Rune.DecodeFromUtf16(text, out rune, out _);
        return status == OperationStatus.Done && (Rune.IsLetter(rune) || rune.Value is 0x200C or 0x200D || Rune.GetUnicodeCategory(rune) is
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation);
    }
}

/// <summary>An entry of "added_tokens", looked for before anything else happens to a text. Names and order are the file's.</summary>
/// <param name="Id">Its number; -1 when the file gives none.</param>
/// <param name="Content">The text it stands for; null when the file gives none.</param>
/// <param name="SingleWord">Found only where no word character touches it.</param>
/// <param name="Lstrip">White space before it belongs to it.</param>
/// <param name="Rstrip">White space after it belongs to it.</param>
/// <param name="Normalized">Looked for in the normalized text, not in the text as given.</param>
/// <param name="Special">A mark that decoding may skip, not text.</param>
internal sealed record AddedToken(
    int Id = -1, string Content = null!, bool SingleWord = false, bool Lstrip = false, bool Rstrip = false,
    bool Normalized = false, bool Special = false);
