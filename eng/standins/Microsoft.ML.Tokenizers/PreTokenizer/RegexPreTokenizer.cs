using System.Text.RegularExpressions;

namespace Microsoft.ML.Tokenizers;

public sealed class RegexPreTokenizer : PreTokenizer
{
    private readonly Regex _regex, _special;

    public RegexPreTokenizer(Regex regex, IReadOnlyDictionary<string, int> specialTokens)
    {
        ArgumentNullException.ThrowIfNull(regex);
        _regex = regex;
        if (specialTokens is { Count: > 0 })
            _special = AnyOf(specialTokens.Keys);
    }

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
        => string.IsNullOrEmpty(text) ? [] : Split(text);

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
        => text.IsEmpty ? [] : Split(text.ToString());

    internal static Regex AnyOf(IEnumerable<string> words) => new(string.Join('|', words.Select(Regex.Escape)), RegexOptions.Compiled);

    private IEnumerable<(int Offset, int Length)> Split(string text)
    {
        int at = 0;
        while (_special is not null && FirstMatch(_special, text, at, text.Length) is (int offset, int length))
        {
            foreach ((int Offset, int Length) piece in Matches(_regex, text, at, offset))
                yield return piece;
            yield return (offset, length);
            at = offset + length;
        }
        foreach ((int Offset, int Length) piece in Matches(_regex, text, at, text.Length))
            yield return piece;
    }
}
