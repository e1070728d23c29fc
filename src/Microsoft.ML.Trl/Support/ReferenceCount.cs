namespace Microsoft.ML.Trl.Support;

/// <summary>
/// Reference count of something disposable that several threads use: it is freed once it was disposed and its last user has left. Until
/// then whoever uses it goes on undisturbed; nobody new gets in.
/// </summary>
/// <param name="what">Name of the type, for the message.</param>
/// <param name="free">Frees it; called once.</param>
internal sealed class ReferenceCount(string what, Action free) : IDisposable
{
    private readonly Lock _lock = new();
    private int _users;
    private bool _isDisposed;

    /// <summary>Keeps it alive until the result is disposed.</summary>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    public Use Enter()
    {
        lock (_lock)
        {
            if (_isDisposed)
                throw Disposed(what);
            _users++;
        }
        return new Use(this);
    }

    /// <summary>The message for a model that is gone.</summary>
    public static ObjectDisposedException Disposed(string what) => new(
        what,
        $"This {what} was disposed: by hand, by the transformer or chain that owns it, or by a prediction engine, which disposes its "
        + "transformer unless it was made with PredictionEngineOptions { OwnsTransformer = false }. Dispose it after its last use.");

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            if (_users > 0)
                return;
        }
        free();
    }

    private void Leave()
    {
        lock (_lock)
        {
            _users--;
            if (!_isDisposed || _users > 0)
                return;
        }
        free();
    }

    /// <summary>One use, from <see cref="Enter"/> to its end.</summary>
    internal sealed class Use(ReferenceCount count) : IDisposable
    {
        private ReferenceCount? _count = count;

        /// <inheritdoc/>
        public void Dispose() => Interlocked.Exchange(ref _count, null)?.Leave();
    }
}
