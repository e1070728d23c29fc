
namespace Microsoft.ML.Trl.Generation;

/// <summary>Pointers to the memory of a cache, found once.</summary>
internal sealed unsafe class CacheMemory
{
    private readonly nint[] _keys;
    private readonly nint[] _values;

    public CacheMemory(KeyValueCache cache)
    {
        _keys = [.. Enumerable.Range(0, cache.Layers).Select(layer => (nint)HostMemory.PointerTo(cache.KeyRoom(layer)))];
        _values = [.. Enumerable.Range(0, cache.Layers).Select(layer => (nint)HostMemory.PointerTo(cache.ValueRoom(layer)))];
    }

    /// <summary>[rows, key-value heads, capacity, head size].</summary>
    public float* Keys(int layer) => (float*)_keys[layer];

    /// <summary>[rows, key-value heads, capacity, head size].</summary>
    public float* Values(int layer) => (float*)_values[layer];
}
