using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Tensors that are already in memory; what is taken becomes the model's own, the rest is disposed.</summary>
internal sealed class MemoryWeightStore(IReadOnlyDictionary<string, Tensor> tensors, string source) : IWeightStore, IDisposable
{
    private readonly Dictionary<string, Tensor> _left = new(tensors, StringComparer.Ordinal);

    public string Source => source;

    public IEnumerable<string> Names => tensors.Keys;

    public IReadOnlyList<long>? ShapeOf(string name) => _left.TryGetValue(name, out Tensor? tensor) ? tensor.shape : null;

    public Tensor Take(string name)
    {
        _left.Remove(name, out Tensor? tensor);
        return tensor ?? throw new KeyNotFoundException($"'{source}' has no tensor '{name}' left.");
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _left.Values)
            tensor.Dispose();
        _left.Clear();
    }
}
