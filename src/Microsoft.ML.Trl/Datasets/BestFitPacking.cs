namespace Microsoft.ML.Trl.Datasets;

/// <summary>Examples into rows of equal capacity: best fit, longest first.</summary>
internal static class BestFitPacking
{
    /// <summary>
    /// Which examples share a row. Each goes where it leaves the least room; among equal rows, where room was left first.
    /// </summary>
    /// <param name="lengths">Tokens per example, none above <paramref name="capacity"/>.</param>
    /// <param name="capacity">Tokens per row.</param>
    /// <returns>Indices of the examples of each row.</returns>
    public static List<List<int>> Rows(IReadOnlyList<int> lengths, int capacity)
    {
        var rows = new List<List<int>>();
        var room = new SortedDictionary<int, Queue<List<int>>>();
        foreach (int index in Enumerable.Range(0, lengths.Count).OrderByDescending(index => lengths[index]))
        {
            int length = lengths[index];
            int space = room.Keys.FirstOrDefault(left => left >= length, capacity);
            if (Take(room, space) is not { } row)
                rows.Add(row = []);
            row.Add(index);
            if (space > length)
                (room.TryGetValue(space - length, out Queue<List<int>>? same) ? same : room[space - length] = new()).Enqueue(row);
        }
        return rows;
    }

    private static List<int>? Take(SortedDictionary<int, Queue<List<int>>> room, int space)
    {
        if (!room.TryGetValue(space, out Queue<List<int>>? rows))
            return null;
        List<int> row = rows.Dequeue();
        if (rows.Count == 0)
            room.Remove(space);
        return row;
    }
}
