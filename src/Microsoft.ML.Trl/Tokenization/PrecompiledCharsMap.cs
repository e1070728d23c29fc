using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// The character map of a SentencePiece model ("precompiled_charsmap"): a double-array trie (Darts) from UTF-8 bytes to places in a
/// block of replacements that end with a zero. At each place of a text the longest match is replaced.
/// </summary>
internal sealed class PrecompiledCharsMap
{
    private readonly uint[] _trie;
    private readonly byte[] _replacements;

    private PrecompiledCharsMap(uint[] trie, byte[] replacements) => (_trie, _replacements) = (trie, replacements);

    /// <exception cref="FormatException">The bytes are too few for the trie that they announce.</exception>
    public static PrecompiledCharsMap Read(ReadOnlySpan<byte> bytes)
    {
        uint size = bytes.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;
        if (size < 4 || size % 4 != 0 || size > bytes.Length - 4)
            throw new FormatException($"the precompiled_charsmap of {bytes.Length} bytes announces a trie of {size}.");
        uint[] trie = new uint[size / 4];
        for (int i = 0; i < trie.Length; i++)
            trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + (4 * i))..]);
        return new PrecompiledCharsMap(trie, bytes[(int)(4 + size)..].ToArray());
    }

    public string Normalize(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var result = new List<byte>(bytes.Length);
        for (int at = 0; at < bytes.Length;)
        {
            (int length, int place) = LongestMatch(bytes.AsSpan(at));
            if (length == 0)
            {
                Rune.DecodeFromUtf8(bytes.AsSpan(at), out _, out length);
                result.AddRange(bytes.AsSpan(at, length));
            }
            else
                result.AddRange(Replacement(place));
            at += length;
        }
        return Encoding.UTF8.GetString([.. result]);
    }

    private (int Length, int Place) LongestMatch(ReadOnlySpan<byte> key)
    {
        (int Length, int Place) found = (0, 0);
        uint node = Offset(_trie[0]);
        for (int i = 0; i < key.Length && key[i] != 0; i++)
        {
            node ^= key[i];
            if (node >= _trie.Length || (_trie[node] & 0x800000FF) != key[i])
                break;
            bool isKey = ((_trie[node] >> 8) & 1) == 1;
            node ^= Offset(_trie[node]);
            if (isKey && node < _trie.Length)
                found = (i + 1, (int)(_trie[node] & 0x7FFFFFFF));
        }
        return found;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);

    private ReadOnlySpan<byte> Replacement(int place)
    {
        if (place >= _replacements.Length)
            return [];
        ReadOnlySpan<byte> rest = _replacements.AsSpan(place);
        int end = rest.IndexOf((byte)0);
        return end < 0 ? rest : rest[..end];
    }
}
