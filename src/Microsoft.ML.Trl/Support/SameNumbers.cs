namespace Microsoft.ML.Trl.Support;

/// <summary>Two lists are the same where they hold the same numbers, such as token ids.</summary>
internal sealed class SameNumbers : IEqualityComparer<int[]>
{
    public static readonly SameNumbers Instance = new();

    public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(int[] numbers)
    {
        var hash = new HashCode();
        foreach (int number in numbers)
            hash.Add(number);
        return hash.ToHashCode();
    }
}
