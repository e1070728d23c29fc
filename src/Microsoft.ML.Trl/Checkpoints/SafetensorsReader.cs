using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Reads safetensors from a stream that cannot seek, such as an entry of a zip archive.</summary>
public static class SafetensorsReader
{
    /// <summary>Reads everything to the CPU.</summary>
    /// <param name="stream">Stands at the first byte; read to the end of the last tensor, and left open.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <returns>The tensors by name. The caller owns them.</returns>
    /// <exception cref="InvalidDataException">It is damaged, cut off, or of another format.</exception>
    /// <exception cref="NotSupportedException">TorchSharp has no such element type.</exception>
    public static IReadOnlyDictionary<string, Tensor> ReadAll(Stream stream, string source)
    {
        ArgumentNullException.ThrowIfNull(stream);
        SafetensorsHeader header = ReadHeader(stream, source);
        Dictionary<string, Tensor> tensors = new(StringComparer.Ordinal);
        try
        {
            foreach (TensorEntry entry in header.Entries.Values.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Length))
                tensors.Add(entry.Name, Read(stream, entry, source));
            return tensors;
        }
        catch
        {
            foreach (Tensor tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
    }

    private static SafetensorsHeader ReadHeader(Stream stream, string source)
    {
        byte[] prefix = new byte[SafetensorsHeader.PrefixLength];
        ReadExactly(stream, prefix, source, "the header");
        byte[] json = new byte[SafetensorsHeader.ParseLength(prefix, null, source)];
        ReadExactly(stream, json, source, "the header");
        return SafetensorsHeader.Parse(json, null, source);
    }

    private static Tensor Read(Stream stream, TensorEntry entry, string source) => TensorMemory.Read(entry, source, (bytes, _) =>
    {
        ReadExactly(stream, bytes, source, $"tensor '{entry.Name}'");
        SafetensorsHeader.CheckValues(bytes, entry, source);
    });

    private static void ReadExactly(Stream stream, Span<byte> target, string source, string what)
    {
        if (stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) < target.Length)
            throw SafetensorsHeader.Broken(source, $"it ended in the middle of {what}; it was cut off or is not in safetensors format");
    }
}
