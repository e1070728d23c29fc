namespace Microsoft.ML.Tokenizers;

public sealed class RobertaPreTokenizer : PreTokenizer
{
    public static RobertaPreTokenizer Instance { get; } = new();

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
        => string.IsNullOrEmpty(text) ? [] : Matches(Gpt2Pieces(), text, 0, text.Length);

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
        => text.IsEmpty ? [] : PreTokenize(text.ToString());
}
