using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Unigram language model (arXiv:1804.10959): of all ways to write a piece with the tokens the one with the highest sum of log
/// probabilities (Viterbi). A character without a token costs 10 more than the least probable one; a run of such is one token.
/// </summary>
/// <remarks>
/// Our own because SentencePieceTokenizer of Microsoft.ML.Tokenizers 2.0 reads only tokenizer.model, fails on T5's (the character map:
/// "Index was outside the bounds of the array") and gives other ids for texts with unknown characters.
/// </remarks>
internal sealed class UnigramModel : IWordModel
{
    /// <summary>
    /// Member of the model in a tokenizer.json that was made of a SentencePiece model: sums are kept in single precision, as that library
    /// keeps them, but compared before they are rounded. This decides between ways that are equally good ("abababab").
    /// </summary>
    public const string SinglePrecision = "single_precision";

    private const double UnknownPenalty = 10;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocab;
    private readonly PieceTrie _trie = new();
    private readonly double[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknown;
    private readonly bool _isSingle;
    private readonly int[]? _bytes;

    /// <param name="vocab">Token to id.</param>
    /// <param name="scores">Log probability of each id.</param>
    /// <param name="unknown">Id for what has no token.</param>
    /// <param name="special">Tokens that are no text.</param>
    /// <param name="byteFallback">Unknown characters become bytes, where the vocabulary has them all.</param>
    /// <param name="isSingle">Sums are kept in single precision.</param>
    public UnigramModel(
        Dictionary<string, int> vocab, double[] scores, int unknown, IEnumerable<string> special, bool byteFallback, bool isSingle)
    {
        _vocab = vocab.GetAlternateLookup<ReadOnlySpan<char>>();
        HashSet<string> left = [.. special];
        foreach ((string token, int id) in vocab)
            if (!left.Contains(token))
                _trie.Add(token, id);
        _isSingle = isSingle;
        (_scores, _unknown, _unknownScore) = (scores, unknown, Kept(scores.Min() - UnknownPenalty));
        _bytes = byteFallback ? ByteTokens.Ids(vocab) : null;
    }

    public Tokenizer Inner => throw new NotSupportedException(
        "No tokenizer of Microsoft.ML.Tokenizers gives the ids of this Unigram model. Use TextTokenizer.Encode and Decode.");

    public void Encode(string piece, List<int> ids)
    {
        Node[] best = BestPaths(piece);
        int first = ids.Count;
        for (int end = piece.Length; end > 0;)
        {
            int start = best[end].Start;
            if (best[end].Id == _unknown)
            {
                while (start > 0 && best[start].Id == _unknown)
                    start = best[start].Start;
                AddUnknown(piece.AsSpan(start, end - start), ids);
            }
            else
                ids.Add(best[end].Id);
            end = start;
        }
        ids.Reverse(first, ids.Count - first);
    }

    // for each place of the piece the last token of the best way to write what is before it
    private Node[] BestPaths(string piece)
    {
        var best = new Node[piece.Length + 1];
        best.AsSpan(1).Fill(new Node(double.NegativeInfinity, 0, Node.None));
        for (int start = 0, length; start < piece.Length; start += length)
        {
            length = char.IsHighSurrogate(piece[start]) && start + 1 < piece.Length ? 2 : 1;
            bool hasCharacter = false;
            int node = PieceTrie.Root;
            for (int end = start; end < piece.Length && (node = _trie.Next(node, piece[end])) >= 0;)
            {
                end++;
                if (_trie.Id(node) is not (>= 0 and int id))
                    continue;
                Offer(ref best[end], best[start].Score + _scores[id], start, id);
                hasCharacter |= end - start == length;
            }
            if (!hasCharacter)
                Offer(ref best[start + length], Kept(best[start].Score + _unknownScore), start, _unknown);
        }
        return best;
    }

    private double Kept(double score) => _isSingle ? (float)score : score;

    private void Offer(ref Node target, double score, int start, int id)
    {
        if (target.Id == Node.None || score > target.Score)
            target = new Node(Kept(score), start, id);
    }

    // written backwards, as all of it is until it is turned round
    private void AddUnknown(ReadOnlySpan<char> text, List<int> ids)
    {
        if (_vocab.TryGetValue(text, out int id))
        {
            ids.Add(id);
            return;
        }
        byte[] utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, utf8);
        if (_bytes is null || utf8.Any(value => _bytes[value] < 0))
            ids.Add(_unknown);
        else
            for (int i = utf8.Length - 1; i >= 0; i--)
                ids.Add(_bytes[utf8[i]]);
    }

    private readonly record struct Node(double Score, int Start, int Id)
    {
        public const int None = -1;
    }
}

/// <summary>Finds tokens by their beginning, letter by letter.</summary>
internal sealed class PieceTrie
{
    public const int Root = 0;

    private readonly Dictionary<long, int> _edges = [];
    private readonly List<int> _ids = [-1];

    public void Add(string token, int id)
    {
        int node = Root;
        foreach (char letter in token)
        {
            int next = Next(node, letter);
            if (next < 0)
            {
                _edges[Key(node, letter)] = next = _ids.Count;
                _ids.Add(-1);
            }
            node = next;
        }
        if (node != Root)
            _ids[node] = id;
    }

    /// <summary>The node behind a letter; negative when no token goes on with it.</summary>
    public int Next(int node, char letter) => _edges.TryGetValue(Key(node, letter), out int next) ? next : -1;

    /// <summary>The token that ends at a node; negative when none does.</summary>
    public int Id(int node) => _ids[node];

    private static long Key(int node, char letter) => ((long)node << 16) | letter;
}
