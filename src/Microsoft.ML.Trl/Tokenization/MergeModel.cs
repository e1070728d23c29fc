using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// BPE over characters, as SentencePiece and Hugging Face's BPE do it: of all pairs of neighbours the one whose merge is listed first is
/// joined, of equal ones the leftmost. Characters outside of the vocabulary become byte tokens ("&lt;0x0A&gt;") or the unknown token.
/// </summary>
/// <remarks>
/// Our own because SentencePieceTokenizer of Microsoft.ML.Tokenizers 2.0 reads only tokenizer.model, and of equal scores does not take
/// the leftmost pair ("aaaaaaa").
/// </remarks>
internal sealed class MergeModel : IWordModel
{
    private const char Blank = '▁';
    private const int TableSize = 0x180;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocab;
    private readonly int[] _letters = new int[TableSize]; // ids of the first characters, -1 where there is none
    private readonly MergeTable _merges;
    private readonly int[]? _bytes;
    private readonly int? _unknown;
    private readonly bool _fusesUnknown, _ignoresMerges, _mayBeCut;

    /// <param name="vocab">Token to id.</param>
    /// <param name="merges">Pairs of tokens in the order in which they are joined.</param>
    /// <param name="unknown">Id for what has no token, or null: it is left out.</param>
    /// <param name="fusesUnknown">One unknown token for a run of characters.</param>
    /// <param name="byteFallback">Characters without a token become bytes, where the vocabulary has them all.</param>
    /// <param name="ignoresMerges">A piece in the vocabulary is not taken apart.</param>
    public MergeModel(
        Dictionary<string, int> vocab, IReadOnlyList<(string Left, string Right)> merges, int? unknown, bool fusesUnknown,
        bool byteFallback, bool ignoresMerges)
    {
        _vocab = vocab.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int letter = 0; letter < TableSize; letter++)
            _letters[letter] = vocab.TryGetValue(((char)letter).ToString(), out int id) ? id : -1;
        _merges = new MergeTable(vocab, merges);
        (_unknown, _fusesUnknown, _ignoresMerges) = (unknown, fusesUnknown, ignoresMerges);
        _bytes = byteFallback ? ByteTokens.Ids(vocab) : null;
        _mayBeCut = !ignoresMerges && vocab.ContainsKey(Blank.ToString())
            && merges.All(pair => (pair.Left + pair.Right).AsSpan().TrimStart(Blank).IndexOf(Blank) < 0);
    }

    public Tokenizer Inner => throw new NotSupportedException(
        "No tokenizer of Microsoft.ML.Tokenizers gives the ids of this SentencePiece-style BPE. Use TextTokenizer.Encode and Decode.");

    /// <remarks>Where no token goes over the beginning of a word, neither do merges, and words are short.</remarks>
    public void Encode(string piece, List<int> ids)
    {
        ReadOnlySpan<char> rest = piece;
        if (_ignoresMerges && _vocab.TryGetValue(rest, out int whole))
        {
            ids.Add(whole);
            return;
        }
        while (_mayBeCut && WordLength(rest) is int length && length < rest.Length)
        {
            EncodeWord(rest[..length], ids);
            rest = rest[length..];
        }
        EncodeWord(rest, ids);
    }

    // blanks, and all up to the next one
    private static int WordLength(ReadOnlySpan<char> text)
    {
        int blanks = text.IndexOfAnyExcept(Blank);
        int letters = blanks < 0 ? -1 : text[blanks..].IndexOf(Blank);
        return letters < 0 ? text.Length : blanks + letters;
    }

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        int most = word.Length * (_bytes is null ? 1 : 3); // a character of one UTF-16 unit has up to three bytes
        int[]? rented = most > 256 ? ArrayPool<int>.Shared.Rent(most) : null;
        Span<int> symbols = rented ?? stackalloc int[256];
        symbols = symbols[..Symbols(word, symbols)];
        ids.AddRange(symbols[.._merges.Join(symbols)]);
        if (rented is not null)
            ArrayPool<int>.Shared.Return(rented);
    }

    private int Symbols(ReadOnlySpan<char> word, Span<int> symbols)
    {
        int count = 0;
        bool wasUnknown = false;
        for (int at = 0; at < word.Length;)
        {
            int length = char.IsHighSurrogate(word[at]) && at + 1 < word.Length ? 2 : 1;
            ReadOnlySpan<char> character = word.Slice(at, length);
            at += length;
            if (TryFind(character, out int id))
                symbols[count++] = id;
            else if (_bytes is null || !AddBytes(character, symbols, ref count))
            {
                if (_unknown is { } unknown && !(wasUnknown && _fusesUnknown))
                    symbols[count++] = unknown;
                wasUnknown = true;
                continue;
            }
            wasUnknown = false;
        }
        return count;
    }

    private bool TryFind(ReadOnlySpan<char> character, out int id)
    {
        if (character[0] >= TableSize)
            return _vocab.TryGetValue(character, out id);
        id = _letters[character[0]];
        return id >= 0;
    }

    private bool AddBytes(ReadOnlySpan<char> character, Span<int> symbols, ref int count)
    {
        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..Encoding.UTF8.GetBytes(character, utf8)];
        foreach (byte value in utf8)
            if (_bytes![value] < 0)
                return false;
        foreach (byte value in utf8)
            symbols[count++] = _bytes![value];
        return true;
    }
}

/// <summary>Tokens that stand for one byte: "&lt;0x0A&gt;".</summary>
internal static class ByteTokens
{
    /// <summary>The id of each byte's token, -1 where there is none.</summary>
    public static int[] Ids(IReadOnlyDictionary<string, int> vocab)
        => [.. Enumerable.Range(0, 256).Select(value => vocab.TryGetValue($"<0x{value:X2}>", out int id) ? id : -1)];

    /// <summary>Whether a token stands for a byte, and for which.</summary>
    public static bool TryRead(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out value);
    }
}
