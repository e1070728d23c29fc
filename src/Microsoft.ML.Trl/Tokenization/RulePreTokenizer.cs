using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Pre-tokenizer of a Hugging Face tokenizer: its rules one after the other. Unlike RegexPreTokenizer it keeps what no pattern
/// matches, as a piece, and takes a character outside of the basic plane for one character.
/// </summary>
/// <param name="rules">Cuts, each applied to the pieces of the one before.</param>
/// <param name="special">Tokens that are pieces of their own.</param>
internal sealed class RulePreTokenizer(IReadOnlyList<SplitRule> rules, AddedTokenSplitter special) : PreTokenizer
{
    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text) => Split(text);

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => Split(text.ToString());

    private List<(int Offset, int Length)> Split(string text)
    {
        var result = new List<(int, int)>(text.Length / 4);
        foreach (AddedTokenSplitter.Part part in special.Split(text))
        {
            if (part.Token is not null)
                result.Add((part.Start, part.End - part.Start));
            else
                Cut(part.End - part.Start == text.Length ? text : text[part.Start..part.End], part.Start, result);
        }
        return result;
    }

    private void Cut(string text, int offset, List<(int Offset, int Length)> result)
    {
        var plain = new BmpText(text);
        foreach ((int start, int end) in Apply(rules, plain.Text))
        {
            (int from, int length) = plain.Original(start, end);
            result.Add((offset + from, length));
        }
    }

    /// <summary>The pieces of a text that has one unit per character.</summary>
    public static List<(int Start, int End)> Apply(IReadOnlyList<SplitRule> rules, string text)
    {
        List<(int Start, int End)> pieces = [(0, text.Length)];
        foreach (SplitRule rule in rules)
        {
            var next = new List<(int, int)>(pieces.Count * 2);
            foreach ((int start, int end) in pieces)
                rule.Split(text, start, end, next);
            pieces = next;
        }
        return pieces;
    }
}
