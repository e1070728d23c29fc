using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>The tensors of a safetensors file that can be read once only, from first to last: all of them, in memory.</summary>
internal sealed class SafetensorsStream : IWeightStore
{
    private readonly Dictionary<string, TensorEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private SafetensorsStream(string source) => Source = source;

    public string Source { get; }

    public IEnumerable<string> Names => _entries.Keys;

    /// <summary>Reads all tensors.</summary>
    /// <param name="stream">Read up to the end of the file, not beyond.</param>
    /// <param name="length">Bytes of the file; the stream may have fewer, but the caller has checked that it is no empty promise.</param>
    /// <param name="source">What the file is called in messages.</param>
    /// <returns>The caller owns it, and with it every tensor that is not taken.</returns>
    /// <exception cref="InvalidDataException">It is damaged or of another format.</exception>
    /// <exception cref="EndOfStreamException">It ends too early.</exception>
    public static SafetensorsStream Read(Stream stream, long length, string source)
    {
        using OwnershipGuard<SafetensorsStream> weights = new(new SafetensorsStream(source));
        weights.Value.ReadAll(stream, length);
        return weights.Release();
    }

    public TensorEntry? Find(string name) => _entries.GetValueOrDefault(name);

    public Tensor Take(string name, ScalarType type)
    {
        _tensors.Remove(name, out Tensor? stored);
        using (stored)
            return stored!.dtype == type ? stored.alias() : stored.to(type);
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors.Values)
            tensor.Dispose();
        _tensors.Clear();
    }

    private void ReadAll(Stream stream, long length)
    {
        if (length < SafetensorsHeader.PrefixLength)
            throw FileBytes.Broken(Source, $"it has only {length} bytes; it is not a safetensors file");
        byte[] prefix = new byte[SafetensorsHeader.PrefixLength];
        stream.ReadExactly(prefix);
        byte[] json = new byte[SafetensorsHeader.ParseLength(prefix, length, Source)];
        stream.ReadExactly(json);
        foreach (TensorEntry entry in SafetensorsHeader.Parse(json, length, Source).Entries.Values.OrderBy(entry => entry.Offset))
        {
            Tensor tensor = TensorMemory.Read(entry, Source, null, (bytes, _) =>
            {
                stream.ReadExactly(bytes);
                SafetensorsHeader.CheckValues(bytes, entry, Source);
            });
            _entries.Add(entry.Name, entry);
            _tensors.Add(entry.Name, tensor.DetachFromDisposeScope());
        }
    }
}
