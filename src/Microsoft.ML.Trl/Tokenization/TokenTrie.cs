namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// The bytes of all tokens that stand for text, as a trie: in the order of their bytes, each with the number of bytes that it begins with
/// in common with the one before. Immutable.
/// </summary>
internal sealed class TokenTrie
{
    private readonly (int Token, byte[] Bytes)[] _sorted;
    private readonly int[] _shared;
    private readonly byte[]?[] _bytes;

    /// <param name="bytes">[V] per token; empty for tokens that stand for no text, such as special ones.</param>
    /// <param name="beginning">The same at the beginning of a text; null = there is no difference.</param>
    public TokenTrie(byte[][] bytes, TokenTrie? beginning = null)
    {
        (_bytes, Beginning) = (bytes, beginning ?? this);
        _sorted = [.. bytes.Select((text, token) => (token, text)).Where(pair => pair.text.Length > 0)];
        Array.Sort(_sorted, (one, other) => one.Bytes.AsSpan().SequenceCompareTo(other.Bytes));
        _shared = new int[_sorted.Length];
        for (int i = 1; i < _sorted.Length; i++)
            _shared[i] = _sorted[i].Bytes.AsSpan().CommonPrefixLength(_sorted[i - 1].Bytes);
        Longest = _sorted.Length == 0 ? 0 : _sorted.Max(pair => pair.Bytes.Length);
    }

    /// <summary>What the tokens say at the beginning of a text, where SentencePiece's do not say the blank that they begin with.</summary>
    public TokenTrie Beginning { get; }

    /// <summary>Tokens of the vocabulary.</summary>
    public int Count => _bytes.Length;

    /// <summary>Most bytes of a token.</summary>
    public int Longest { get; }

    /// <summary>Bytes of a token; none for one that stands for no text or is not in the vocabulary.</summary>
    public ReadOnlySpan<byte> BytesOf(int token) => (uint)token < (uint)_bytes.Length ? _bytes[token] : [];

    /// <summary>Tokens whose bytes may all be read, one after another.</summary>
    /// <param name="start">State before the token.</param>
    /// <param name="next">State after a byte; -1 where it may not be read.</param>
    public IEnumerable<int> Readable(int start, Func<int, byte, int> next)
    {
        int[] states = new int[Longest + 1]; // after so many bytes of the token
        states[0] = start;
        int known = 0; // states of how many bytes are known; one more has been refused
        for (int i = 0; i < _sorted.Length; i++)
        {
            if (i > 0 && _shared[i] > known)
                continue; // begins with the bytes that were refused
            (int token, byte[] bytes) = _sorted[i];
            known = Math.Min(known, _shared[i]);
            while (known < bytes.Length && next(states[known], bytes[known]) is >= 0 and int state)
                states[++known] = state;
            if (known == bytes.Length)
                yield return token;
        }
    }
}
