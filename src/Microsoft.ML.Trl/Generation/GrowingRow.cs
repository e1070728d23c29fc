namespace Microsoft.ML.Trl.Generation;

/// <summary>One row of a batch while it grows.</summary>
/// <param name="number">Its number in the batch that was given.</param>
/// <param name="limit">Most tokens that are added.</param>
/// <param name="random">Its own random numbers.</param>
internal sealed class GrowingRow(int number, int limit, RowRandom random)
{
    public int Number => number;
    public int Limit => limit;
    public RowRandom Random => random;

    public List<int> NewTokens { get; } = [];

    /// <summary>
    /// Number of each new token among those of all rows in the order of the steps, ended rows that still run along included.
    /// </summary>
    public List<long> Entries { get; } = [];

    /// <summary>Whether an end token or a stop rule ended it.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Whether it grows no more.</summary>
    public bool IsDone => HasEnded || NewTokens.Count >= limit;
}
