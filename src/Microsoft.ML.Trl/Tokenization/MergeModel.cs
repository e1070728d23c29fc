using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// BPE over characters, as SentencePiece and Hugging Face's BPE do it: of all pairs of neighbours the one whose merge is listed first is
/// joined, of equal ones the leftmost. Characters outside of the vocabulary become byte tokens ("&lt;0x0A&gt;") or the unknown token.
/// </summary>
/// <remarks>
/// Our own because SentencePieceTokenizer of Microsoft.ML.Tokenizers reads only tokenizer.model, and of equal scores does not take
/// the leftmost pair ("aaaaaaa").
/// </remarks>
internal sealed class MergeModel : IWordModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocab;
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges = [];
    private readonly int[]? _bytes;
    private readonly int? _unknown;
    private readonly bool _fusesUnknown, _ignoresMerges;

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
        for (int rank = 0; rank < merges.Count; rank++)
            _merges[(vocab[merges[rank].Left], vocab[merges[rank].Right])] = (rank, vocab[merges[rank].Left + merges[rank].Right]);
        (_unknown, _fusesUnknown, _ignoresMerges) = (unknown, fusesUnknown, ignoresMerges);
        _bytes = byteFallback ? ByteTokens.Ids(vocab) : null;
    }

    public Tokenizer Inner => throw new NotSupportedException(
        "No tokenizer of Microsoft.ML.Tokenizers gives the ids of this SentencePiece-style BPE. Use TextTokenizer.Encode and Decode.");

    public void Encode(string piece, List<int> ids)
    {
        if (_ignoresMerges && _vocab.TryGetValue(piece, out int whole))
            ids.Add(whole);
        else
            new Word(Symbols(piece), _merges).Write(ids);
    }

    private List<int> Symbols(string piece)
    {
        var symbols = new List<int>(piece.Length);
        bool wasUnknown = false;
        for (int at = 0; at < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece.AsSpan(at), out Rune rune, out int length);
            bool isKnown = _vocab.TryGetValue(piece.AsSpan(at, length), out int id);
            at += length;
            if (isKnown)
                symbols.Add(id);
            else if (_bytes is null || !AddBytes(rune, symbols))
            {
                if (_unknown is { } unknown && !(wasUnknown && _fusesUnknown))
                    symbols.Add(unknown);
                wasUnknown = true;
                continue;
            }
            wasUnknown = false;
        }
        return symbols;
    }

    private bool AddBytes(Rune rune, List<int> symbols)
    {
        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..rune.EncodeToUtf8(utf8)];
        foreach (byte value in utf8)
            if (_bytes![value] < 0)
                return false;
        foreach (byte value in utf8)
            symbols.Add(_bytes![value]);
        return true;
    }

    /// <summary>A piece while its symbols are joined: a linked list, and a queue of the pairs that may be.</summary>
    private readonly struct Word
    {
        private const int Joined = -1;

        private readonly List<int> _ids;
        private readonly int[] _previous, _next;
        private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges;
        private readonly PriorityQueue<(int At, int Id), long> _queue = new(); // by rank, then by place

        public Word(List<int> ids, Dictionary<(int Left, int Right), (int Rank, int Id)> merges)
        {
            (_ids, _merges) = (ids, merges);
            _previous = [.. Enumerable.Range(-1, ids.Count)];
            _next = [.. Enumerable.Range(1, ids.Count)];
            for (int i = 0; i + 1 < ids.Count; i++)
                Offer(i);
            while (_queue.TryDequeue(out (int At, int Id) pair, out _))
                Join(pair.At, pair.Id);
        }

        public void Write(List<int> target)
        {
            for (int i = 0; i < _ids.Count; i = _next[i])
                target.Add(_ids[i]);
        }

        private void Offer(int at)
        {
            if (at >= 0 && _next[at] < _ids.Count && _merges.TryGetValue((_ids[at], _ids[_next[at]]), out (int Rank, int Id) merge))
                _queue.Enqueue((at, merge.Id), ((long)merge.Rank << 32) | (uint)at);
        }

        private void Join(int at, int id)
        {
            int right = _next[at];
            if (_ids[at] == Joined || right >= _ids.Count
                || !_merges.TryGetValue((_ids[at], _ids[right]), out (int Rank, int Id) merge) || merge.Id != id)
                return; // one of the two has become part of another token since
            (_ids[at], _ids[right]) = (id, Joined);
            _next[at] = _next[right];
            if (_next[at] < _ids.Count)
                _previous[_next[at]] = at;
            Offer(_previous[at]);
            Offer(at);
        }
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
