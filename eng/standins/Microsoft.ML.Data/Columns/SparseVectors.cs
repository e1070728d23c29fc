namespace Microsoft.ML.Data;

/// <summary>Vectors that store only what is not zero when that is less than half of them.</summary>
internal static class SparseVectors
{
    public static void Set<T>(ref VBuffer<T> destination, ReadOnlySpan<T> values)
    {
        int stored = 0;
        foreach (T value in values)
            stored += IsDefault(value) ? 0 : 1;
        if (stored > 0 && stored >= values.Length / 2)
        {
            VBufferEditor<T> dense = VBufferEditor.Create(ref destination, values.Length);
            values.CopyTo(dense.Values);
            destination = dense.Commit();
            return;
        }
        VBufferEditor<T> sparse = VBufferEditor.Create(ref destination, values.Length, stored);
        int place = 0;
        for (int i = 0; i < values.Length; i++)
        {
            if (IsDefault(values[i]))
                continue;
            sparse.Values[place] = values[i];
            sparse.Indices[place++] = i;
        }
        destination = sparse.Commit();
    }

    private static bool IsDefault<T>(T value) => value is ReadOnlyMemory<char> text ? text.IsEmpty : EqualityComparer<T>.Default.Equals(value, default);
}
