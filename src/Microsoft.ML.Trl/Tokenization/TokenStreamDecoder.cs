using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Microsoft.ML.Trl;

/// <summary>
/// Decodes a stream of ids: holds back the bytes of a character until all of them are there. What it gave, and <see cref="Flush"/> at
/// the end, make the text that <see cref="TextTokenizer.Decode"/> gives for all ids at once. For one stream, and one thread at a time.
/// </summary>
public sealed class TokenStreamDecoder
{
    private readonly TokenTable _tokens;
    private readonly bool _skipSpecialTokens;
    private readonly List<byte> _held = [];

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
        _held.AddRange(bytes);
        char[] characters = new char[_held.Count]; // no byte gives more than one
        Utf8.ToUtf16(CollectionsMarshal.AsSpan(_held), characters, out int read, out int written, replaceInvalidSequences: true, flush);
        _held.RemoveRange(0, read);
        return new string(characters, 0, written);
    }
}

/// <summary>The bytes of every id.</summary>
internal sealed class TokenTable
{
    private readonly byte[]?[] _bytes;
    private readonly HashSet<int> _special;

    public TokenTable(TokenizerDefinition definition)
    {
        int highest = definition.Vocab.Values.Concat(definition.AddedTokens.Select(token => token.Id)).Max();
        _bytes = new byte[]?[highest + 1];
        foreach ((string token, int id) in definition.Vocab)
            _bytes[id] = ByteAlphabet.Read(token);
        foreach (AddedToken token in definition.AddedTokens)
            _bytes[token.Id] = ByteAlphabet.Read(token.Content);
        _special = [.. definition.AddedTokens.Where(token => token.Special).Select(token => token.Id)];
    }

    public int Count => _bytes.Length;

    /// <summary>Whether another table has the same bytes for every token that this one has.</summary>
    public bool IsPartOf(TokenTable other) =>
        Count <= other.Count
        && Enumerable.Range(0, Count).All(id => _bytes[id] is not { } bytes || bytes.AsSpan().SequenceEqual(other._bytes[id]));

    /// <summary>Empty for ids without a token, and for special ones when they are to be skipped.</summary>
    public ReadOnlySpan<byte> Bytes(int id, bool skipSpecialTokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        return id >= _bytes.Length || (skipSpecialTokens && _special.Contains(id)) ? [] : _bytes[id];
    }

    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens)
    {
        var bytes = new List<byte>(ids.Count * 4);
        foreach (int id in ids)
            bytes.AddRange(Bytes(id, skipSpecialTokens));
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }
}
