using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>The bytes of every id.</summary>
internal sealed class TokenTable
{
    private readonly byte[]?[] _bytes;
    private readonly HashSet<int> _special;

    public TokenTable(TokenizerDefinition definition)
    {
        int highest = definition.Vocabulary.Values.Concat(definition.AddedTokens.Select(token => token.Id)).Max();
        _bytes = new byte[]?[highest + 1];
        foreach ((string token, int id) in definition.Vocabulary)
            _bytes[id] = ByteAlphabet.Read(token);
        foreach (AddedToken token in definition.AddedTokens)
            _bytes[token.Id] = ByteAlphabet.Read(token.Content);
        _special = [.. definition.AddedTokens.Where(token => token.IsSpecial).Select(token => token.Id)];
    }

    public int Count => _bytes.Length;

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
