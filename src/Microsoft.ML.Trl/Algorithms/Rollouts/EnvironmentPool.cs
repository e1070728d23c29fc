namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The environments of a run: made when they are first needed, used again for every generation. Owns them.</summary>
/// <param name="factory">The caller's.</param>
internal sealed class EnvironmentPool(Func<IEnvironment> factory) : IDisposable
{
    private readonly List<IEnvironment> _environments = [];

    /// <summary>One of its own for each completion.</summary>
    /// <param name="place">Of the completion in its generation.</param>
    /// <exception cref="InvalidOperationException">The factory threw, or gave none or one twice.</exception>
    public IEnvironment At(int place)
    {
        while (_environments.Count <= place)
            _environments.Add(Made());
        return _environments[place];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable environment in _environments.OfType<IDisposable>())
            environment.Dispose();
    }

    private IEnvironment Made()
    {
        IEnvironment? made;
        try
        {
            made = factory();
        }
        catch (Exception cause)
        {
            throw new InvalidOperationException($"EnvironmentFactory threw {cause.GetType().Name}: {cause.Message}", cause);
        }
        if (made is null || _environments.Contains(made, ReferenceEqualityComparer.Instance))
            throw new InvalidOperationException(
                $"EnvironmentFactory gave {(made is null ? "null" : "the same environment twice")}; it must make a new one in every call.");
        return made;
    }
}
