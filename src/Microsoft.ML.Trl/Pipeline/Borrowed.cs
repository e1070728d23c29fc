namespace Microsoft.ML.Trl.Pipeline;

/// <summary>A model that is read where it is.</summary>
/// <param name="Model">Not to be disposed.</param>
/// <param name="Use">What keeps it alive; the model itself where it was opened for this use.</param>
internal sealed record Borrowed<T>(T Model, IDisposable Use) : IDisposable
    where T : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Use.Dispose();

    /// <summary>A model that was opened for this use, and is disposed after it.</summary>
    public static Borrowed<T> Own(T model) => new(model, model);
}
