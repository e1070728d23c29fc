using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// The merges of one training run. Pair counts are kept up to date word by word; a heap gives the most frequent pair, and among equals
/// the one with the smaller ids (Hugging Face's order). Entries of the heap may be out of date and are put back with the right count.
/// </summary>
internal sealed class BpeTraining
{
    private readonly List<string> _tokens;
    private readonly Dictionary<string, int> _ids;
    private readonly List<(string Left, string Right)> _merges = [];
    private readonly List<(int[] Symbols, long Count)> _words = [];
    private readonly Dictionary<(int, int), long> _counts = [];
    private readonly Dictionary<(int, int), List<int>> _places = []; // words that hold the pair, or once held it
    private readonly PriorityQueue<(int, int), (long Negative, int Left, int Right)> _queue = new();
    private readonly HashSet<(int, int)> _grown = [];

    /// <param name="words">Pieces of text and how often they occur.</param>
    /// <param name="alphabet">Single-letter tokens, in the order of their ids.</param>
    public BpeTraining(Dictionary<string, long> words, IEnumerable<char> alphabet)
    {
        _tokens = [.. alphabet.Select(letter => letter.ToString())];
        _ids = _tokens.Select((token, id) => (token, id)).ToDictionary();
        foreach ((string word, long count) in words)
        {
            _words.Add(([.. ByteAlphabet.Write(word).Select(letter => _ids[letter.ToString()])], count));
            Count(_words.Count - 1, sign: 1);
        }
        Enqueue();
    }

    public IReadOnlyList<string> Tokens => _tokens;
    public IReadOnlyList<(string Left, string Right)> Merges => _merges;

    public void Run(int tokenCount, int minFrequency)
    {
        while (_tokens.Count < tokenCount && _queue.TryDequeue(out (int Left, int Right) pair, out (long Negative, int, int) priority))
        {
            long count = _counts[pair];
            if (count != -priority.Negative)
            {
                Offer(pair, count);
                continue;
            }
            if (count < minFrequency)
                return;
            Merge(pair);
        }
    }

    private void Merge((int Left, int Right) pair)
    {
        string token = _tokens[pair.Left] + _tokens[pair.Right];
        if (!_ids.TryGetValue(token, out int id)) // other neighbours may have made the same token before
        {
            _ids[token] = id = _tokens.Count;
            _tokens.Add(token);
        }
        _merges.Add((_tokens[pair.Left], _tokens[pair.Right]));
        List<int> places = _places[pair];
        _places.Remove(pair);
        foreach (int place in places)
        {
            (int[] symbols, long count) = _words[place];
            int[] merged = Join(symbols, pair, id);
            if (merged.Length == symbols.Length)
                continue; // listed twice, or changed since
            Count(place, sign: -1);
            _words[place] = (merged, count);
            Count(place, sign: 1);
        }
        Enqueue();
    }

    private static int[] Join(int[] symbols, (int Left, int Right) pair, int id)
    {
        int[] joined = new int[symbols.Length];
        int kept = 0;
        for (int i = 0; i < symbols.Length; i++)
        {
            bool here = symbols[i] == pair.Left && i + 1 < symbols.Length && symbols[i + 1] == pair.Right;
            joined[kept++] = here ? id : symbols[i];
            if (here)
                i++;
        }
        return kept == symbols.Length ? symbols : joined[..kept];
    }

    private void Count(int place, int sign)
    {
        (int[] symbols, long count) = _words[place];
        for (int i = 0; i + 1 < symbols.Length; i++)
        {
            (int, int) pair = (symbols[i], symbols[i + 1]);
            CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _) += sign * count;
            if (sign < 0)
                continue;
            ref List<int>? places = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, pair, out _);
            places ??= [];
            if (places.Count == 0 || places[^1] != place)
                places.Add(place);
            _grown.Add(pair);
        }
    }

    private void Enqueue()
    {
        foreach ((int, int) pair in _grown)
            Offer(pair, _counts[pair]);
        _grown.Clear();
    }

    private void Offer((int Left, int Right) pair, long count)
    {
        if (count > 0)
            _queue.Enqueue(pair, (-count, pair.Left, pair.Right));
    }
}
