namespace Microsoft.ML.Trl.Tokenization;

/// <summary>The merges of a BPE by ids, and how they are applied.</summary>
internal sealed class MergeTable
{
    private const int ShortWord = 128, None = int.MaxValue, Joined = -1;

    private readonly Dictionary<ulong, (int Rank, int Id)> _merges = [];

    /// <param name="vocab">Token to id.</param>
    /// <param name="merges">Pairs of tokens in the order in which they are joined.</param>
    public MergeTable(Dictionary<string, int> vocab, IReadOnlyList<(string Left, string Right)> merges)
    {
        _merges.EnsureCapacity(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            _merges[Key(vocab[left], vocab[right])] = (rank, vocab[left + right]);
        }
    }

    /// <summary>Joins neighbours, the pair of the lowest rank first and of equal ones the leftmost, until none can be joined.</summary>
    /// <param name="symbols">The ids; those that are left stand at the beginning afterwards.</param>
    /// <returns>How many are left.</returns>
    public int Join(Span<int> symbols) => symbols.Length <= ShortWord ? JoinShort(symbols) : JoinLong(symbols);

    // Looks through all pairs for each merge: the fastest way for the length of words.
    private int JoinShort(Span<int> symbols)
    {
        int count = symbols.Length;
        Span<int> ranks = stackalloc int[ShortWord], joined = stackalloc int[ShortWord]; // of each symbol and the next
        for (int i = 0; i < count - 1; i++)
            ranks[i] = Rank(symbols[i], symbols[i + 1], out joined[i]);
        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i < count - 1; i++)
                if (ranks[i] < ranks[best])
                    best = i;
            if (ranks[best] == None)
                break;
            symbols[best] = joined[best];
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            ranks[(best + 1)..(count - 1)].CopyTo(ranks[best..]);
            joined[(best + 1)..(count - 1)].CopyTo(joined[best..]);
            count--;
            if (best > 0)
                ranks[best - 1] = Rank(symbols[best - 1], symbols[best], out joined[best - 1]);
            if (best < count - 1)
                ranks[best] = Rank(symbols[best], symbols[best + 1], out joined[best]);
        }
        return count;
    }

    // A linked list and a queue of the pairs that may be joined, by rank and then by place: n log n.
    private int JoinLong(Span<int> symbols)
    {
        int[] ids = symbols.ToArray();
        int[] previous = [.. Enumerable.Range(-1, ids.Length)], next = [.. Enumerable.Range(1, ids.Length)];
        var queue = new PriorityQueue<(int At, int Id), long>();
        for (int i = 0; i < ids.Length; i++)
            Offer(i);
        while (queue.TryDequeue(out (int At, int Id) pair, out _))
        {
            (int at, int right) = (pair.At, next[pair.At]);
            if (ids[at] == Joined || right >= ids.Length || Rank(ids[at], ids[right], out int id) == None || id != pair.Id)
                continue; // one of the two has become part of another token since
            (ids[at], ids[right], next[at]) = (id, Joined, next[right]);
            if (next[at] < ids.Length)
                previous[next[at]] = at;
            Offer(previous[at]);
            Offer(at);
        }
        int count = 0;
        for (int i = 0; i < ids.Length; i = next[i])
            symbols[count++] = ids[i];
        return count;

        void Offer(int at)
        {
            if (at >= 0 && next[at] < ids.Length && Rank(ids[at], ids[next[at]], out int id) is int rank and not None)
                queue.Enqueue((at, id), ((long)rank << 32) | (uint)at);
        }
    }

    private int Rank(int left, int right, out int id)
    {
        if (_merges.TryGetValue(Key(left, right), out (int Rank, int Id) merge))
        {
            id = merge.Id;
            return merge.Rank;
        }
        id = Joined;
        return None;
    }

    // An odd factor keeps keys apart and spreads them: the hash of a number is its halves, one upon the other.
    private static ulong Key(int left, int right) => unchecked((((ulong)(uint)left << 32) | (uint)right) * 0x9E3779B97F4A7C15);
}
