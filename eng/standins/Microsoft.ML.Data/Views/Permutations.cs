namespace Microsoft.ML.Data;

/// <summary>Random orders; the same generator gives the same order as in ML.NET.</summary>
internal static class Permutations
{
    public static int[] Random(Random rand, int size)
    {
        int[] order = [.. Enumerable.Range(0, size)];
        for (int i = 0; i < size; i++)
        {
            int other = i + rand.Next(size - i);
            (order[i], order[other]) = (order[other], order[i]);
        }
        return order;
    }
}
