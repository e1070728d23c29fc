namespace Microsoft.ML.Trl.Generation;

/// <summary>Two lists of token ids are the same where they hold the same ids.</summary>
internal sealed class SameTokens : IEqualityComparer<int[]>
{
    public static readonly SameTokens Instance = new();

    public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(int[] ids)
    {
        var hash = new HashCode();
        foreach (int id in ids)
            hash.Add(id);
        return hash.ToHashCode();
    }
}
