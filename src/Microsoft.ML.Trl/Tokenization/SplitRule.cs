using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>What becomes of the stretches that a <see cref="SplitRule"/> finds (tokenizers' SplitDelimiterBehavior).</summary>
internal enum SplitBehavior
{
    Isolated,
    Removed,
    Contiguous,
    MergedWithPrevious,
    MergedWithNext,
}

/// <summary>One cut of a pre-tokenizer: finds stretches in a piece and cuts there.</summary>
internal sealed class SplitRule
{
    private delegate void Finder(ReadOnlySpan<char> piece, List<(int Start, int End)> found);

    private readonly Finder _find;
    private readonly SplitBehavior _behavior;
    private readonly bool _invert;

    private SplitRule(Finder find, SplitBehavior behavior, bool invert) => (_find, _behavior, _invert) = (find, behavior, invert);

    public static SplitRule Pattern(Regex pattern, SplitBehavior behavior = SplitBehavior.Isolated, bool invert = false)
        => new(Matches(pattern), behavior, invert);

    /// <summary>Each digit or number character for itself, or runs of them.</summary>
    public static SplitRule Digits(bool individual)
        => new(Characters(char.IsNumber), individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous, invert: false);

    /// <summary>Unicode punctuation and ASCII's symbols.</summary>
    public static SplitRule Punctuation(SplitBehavior behavior) => new(
        Characters(letter => char.IsPunctuation(letter) || (char.IsAscii(letter) && char.IsSymbol(letter))), behavior, invert: false);

    /// <summary>White space separates pieces and belongs to none.</summary>
    public static SplitRule WhiteSpace { get; } = new(Characters(char.IsWhiteSpace), SplitBehavior.Removed, invert: false);

    /// <summary>The pieces of text[start..end], in order; empty ones are left out.</summary>
    public void Split(string text, int start, int end, List<(int Start, int End)> pieces)
    {
        var found = new List<(int Start, int End)>();
        _find(text.AsSpan(start, end - start), found);
        var stretches = new List<(int Start, int End, bool Hit)>();
        int at = start;
        foreach ((int from, int to) in found)
        {
            if (start + from > at)
                stretches.Add((at, start + from, _invert));
            stretches.Add((start + from, start + to, !_invert));
            at = start + to;
        }
        if (at < end)
            stretches.Add((at, end, _invert));
        Join(stretches, pieces);
    }

    private void Join(List<(int Start, int End, bool Hit)> stretches, List<(int Start, int End)> pieces)
    {
        int first = pieces.Count;
        for (int i = 0; i < stretches.Count; i++)
        {
            (int start, int end, bool hit) = stretches[i];
            bool before = i > 0 && stretches[i - 1].Hit;
            bool joins = i > 0 && _behavior switch
            {
                SplitBehavior.Contiguous => hit == before,
                SplitBehavior.MergedWithPrevious => hit && !before,
                SplitBehavior.MergedWithNext => before && !hit,
                _ => false,
            };
            if (joins && pieces.Count > first)
                pieces[^1] = (pieces[^1].Start, end);
            else if (!hit || _behavior != SplitBehavior.Removed)
                pieces.Add((start, end));
        }
    }

    private static Finder Matches(Regex pattern) => (piece, found) =>
    {
        OnigurumaPattern.Find(pattern, piece, found);
        found.RemoveAll(match => match.Start == match.End);
    };

    private static Finder Characters(Func<char, bool> wanted) => (piece, found) =>
    {
        for (int i = 0; i < piece.Length; i++)
            if (wanted(piece[i]))
                found.Add((i, i + 1));
    };
}
