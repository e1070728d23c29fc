using System.Text.RegularExpressions;

namespace Microsoft.ML.Tokenizers;

public abstract partial class PreTokenizer
{
    private const int TimeOut = 30_000; // milliseconds

    private static PreTokenizer _wordOrPunctuation, _wordOrNonWord, _whiteSpace;

    protected PreTokenizer()
    {
    }

    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(string text);

    public abstract IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text);

    public static PreTokenizer CreateWordOrPunctuation(IReadOnlyDictionary<string, int> specialTokens = null)
        => Create(WordOrPunctuation(), specialTokens, ref _wordOrPunctuation);

    public static PreTokenizer CreateWordOrNonWord(IReadOnlyDictionary<string, int> specialTokens = null)
        => Create(WordOrNonWord(), specialTokens, ref _wordOrNonWord);

    public static PreTokenizer CreateWhiteSpace(IReadOnlyDictionary<string, int> specialTokens = null)
        => Create(WhiteSpace(), specialTokens, ref _whiteSpace);

    /// <summary>The matches from <paramref name="from"/> up to <paramref name="to"/>; the text outside of that window does not exist for the pattern.</summary>
    internal static IEnumerable<(int Offset, int Length)> Matches(Regex regex, string text, int from, int to)
    {
        while (FirstMatch(regex, text, from, to) is (int offset, int length))
        {
            yield return (offset, length);
            from = offset + length;
        }
    }

    internal static (int Offset, int Length)? FirstMatch(Regex regex, string text, int from, int to)
    {
        foreach (ValueMatch match in regex.EnumerateMatches(text.AsSpan(from, to - from)))
            return (from + match.Index, match.Length);
        return null;
    }

    private static PreTokenizer Create(Regex regex, IReadOnlyDictionary<string, int> specialTokens, ref PreTokenizer shared)
        => specialTokens is null ? shared ??= new RegexPreTokenizer(regex, null) : new RegexPreTokenizer(regex, specialTokens);

    [GeneratedRegex(@"\w+|[\p{P}]", RegexOptions.None, TimeOut)]
    private static partial Regex WordOrPunctuation();

    [GeneratedRegex(@"\w+|[^\w\s]+", RegexOptions.None, TimeOut)]
    private static partial Regex WordOrNonWord();

    [GeneratedRegex(@"\S+", RegexOptions.None, TimeOut)]
    private static partial Regex WhiteSpace();

    [GeneratedRegex(@"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.None, TimeOut)]
    internal static partial Regex Gpt2Pieces();
}
