namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Shuffles with an own random stream, so that a run is a function of its seed.</summary>
internal sealed class SeededRowOrder(int seed) : IRowOrder
{
    private readonly Random _random = new(seed);

    public int[] Next(int rows)
    {
        int[] order = [.. Enumerable.Range(0, rows)];
        _random.Shuffle(order);
        return order;
    }
}
