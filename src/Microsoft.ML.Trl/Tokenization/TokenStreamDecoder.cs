using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Decodes a stream of ids: holds back the bytes of a character until all of them are there. What it gave, and <see cref="Flush"/> at
/// the end, make the text that <see cref="TextTokenizer.Decode"/> gives for all ids at once. For one stream, and one thread at a time.
/// </summary>
public sealed class TokenStreamDecoder
{
    private readonly TokenTable _tokens;
    private readonly bool _skipSpecialTokens;
    private readonly System.Text.Decoder _utf8 = Encoding.UTF8.GetDecoder();

    internal TokenStreamDecoder(TokenTable tokens, bool skipSpecialTokens) => (_tokens, _skipSpecialTokens) = (tokens, skipSpecialTokens);

    /// <summary>Takes the next id.</summary>
    /// <param name="id">At least 0.</param>
    /// <returns>The characters that are complete now; often one token's text, sometimes nothing.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative.</exception>
    public string Append(int id) => Decode(_tokens.Bytes(id, _skipSpecialTokens), flush: false);

    /// <summary>Ends the stream: an unfinished character becomes U+FFFD. The decoder can then be used again.</summary>
    /// <returns>What was held back, often nothing.</returns>
    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        char[] characters = new char[_utf8.GetCharCount(bytes, flush)];
        int count = _utf8.GetChars(bytes, characters, flush);
        return new string(characters, 0, count);
    }
}
