namespace Microsoft.ML.Trl.Support;

/// <summary>Something that is disposed unless it is handed on.</summary>
internal sealed class Owned<T>(T value) : IDisposable
    where T : class, IDisposable
{
    private T? _value = value;

    public T Value => _value ?? throw new ObjectDisposedException(nameof(Owned<T>));

    /// <summary>The value; from here on it is the caller's.</summary>
    public T Release()
    {
        T released = Value;
        _value = null;
        return released;
    }

    public void Dispose() => _value?.Dispose();
}
