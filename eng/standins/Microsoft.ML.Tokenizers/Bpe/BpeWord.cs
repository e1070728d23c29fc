namespace Microsoft.ML.Tokenizers;

/// <summary>One piece of text as token ids, with the number of characters that each covers.</summary>
internal readonly record struct BpeWord(int[] Ids, int[] Lengths)
{
    public int Count => Ids.Length;

    public int LengthOfFirst(int count) => Lengths.AsSpan(0, count).Sum();

    public int LengthOfLast(int count) => Lengths.AsSpan(Count - count).Sum();

    /// <summary>Joins neighbours, lowest rank first and from the left among equals, until no merge applies.</summary>
    public static BpeWord Merge(List<int> ids, List<int> lengths, Dictionary<(int, int), (int Rank, int Id)> merges)
    {
        int count = ids.Count;
        int[] previous = new int[count], next = new int[count];
        for (int i = 0; i < count; i++)
            (previous[i], next[i]) = (i - 1, i + 1 < count ? i + 1 : -1);
        var queue = new PriorityQueue<(int At, int Id), (int Rank, int At)>();
        for (int i = 0; i + 1 < count; i++)
            Offer(i);
        while (queue.TryDequeue(out (int At, int Id) best, out _))
        {
            int right = lengths[best.At] == 0 ? -1 : next[best.At];
            if (right < 0 || !merges.TryGetValue((ids[best.At], ids[right]), out (int Rank, int Id) now) || now.Id != best.Id)
                continue; // what was queued is gone
            ids[best.At] = best.Id;
            lengths[best.At] += lengths[right];
            lengths[right] = 0;
            next[best.At] = next[right];
            if (next[right] >= 0)
                previous[next[right]] = best.At;
            if (previous[best.At] >= 0)
                Offer(previous[best.At]);
            if (next[best.At] >= 0)
                Offer(best.At);
        }
        int[] kept = [.. Enumerable.Range(0, count).Where(i => lengths[i] > 0)];
        return new BpeWord([.. kept.Select(i => ids[i])], [.. kept.Select(i => lengths[i])]);

        void Offer(int at)
        {
            if (merges.TryGetValue((ids[at], ids[next[at]]), out (int Rank, int Id) merge))
                queue.Enqueue((at, merge.Id), (merge.Rank, at));
        }
    }
}

file static class Sums
{
    public static int Sum(this Span<int> numbers)
    {
        int sum = 0;
        foreach (int number in numbers)
            sum += number;
        return sum;
    }
}
