namespace Microsoft.ML.Trl.Support;

/// <summary>Ownership guard: disposes a value unless it is handed on.</summary>
internal sealed class OwnershipGuard<T>(T value) : IDisposable
    where T : class, IDisposable
{
    private T? _value = value;

    /// <summary>The value, still guarded.</summary>
    public T Value => _value ?? throw new ObjectDisposedException(nameof(OwnershipGuard<T>));

    /// <summary>The value; from here on it is the caller's.</summary>
    public T Release()
    {
        T released = Value;
        _value = null;
        return released;
    }

    /// <inheritdoc/>
    public void Dispose() => _value?.Dispose();
}
