using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Writes tensors in safetensors format, one after another, without holding the file in memory.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes a file. It appears under its name when it is complete, replacing what was there.</summary>
    /// <param name="path">Where to; the folder must exist.</param>
    /// <param name="tensors">Names and values, on any device; they are only read.</param>
    /// <param name="metadata">Texts for the header; null writes <c>format</c> = <c>pt</c>, which transformers expects.</param>
    /// <exception cref="ArgumentException">A name is missing or appears twice, a tensor has no values, or a text is null.</exception>
    /// <exception cref="NotSupportedException">The format has no such element type.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(
        string path, IEnumerable<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        string unfinished = path + ".part";
        try
        {
            using (FileStream stream = new(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
                Write(stream, tensors, metadata);
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>Writes to a stream, which need not be seekable and stays open.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="tensors">Names and values, on any device; they are only read.</param>
    /// <param name="metadata">Texts for the header; null writes <c>format</c> = <c>pt</c>, which transformers expects.</param>
    /// <exception cref="ArgumentException">A name is missing or appears twice, a tensor has no values, or a text is null.</exception>
    /// <exception cref="NotSupportedException">The format has no such element type, or the stream cannot be written to.</exception>
    /// <exception cref="IOException">The stream cannot take more.</exception>
    public static void Write(
        Stream stream, IEnumerable<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        metadata ??= new Dictionary<string, string> { ["format"] = "pt" };
        if (metadata.FirstOrDefault(text => text.Value is null).Key is { } empty)
            throw new ArgumentException($"The metadata '{empty}' is null; give a text.", nameof(metadata));
        (string Name, Tensor Value)[] ordered =
        [
            .. tensors.Select(Checked).OrderByDescending(tensor => tensor.Value.ElementSize)
                .ThenBy(tensor => tensor.Name, StringComparer.Ordinal),
        ];
        if (ordered.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException(
                $"The tensor name '{twice.Key}' was given {twice.Count()} times; names in a file are unique.", nameof(tensors));
        byte[] header = Header(ordered, metadata);
        byte[] prefix = new byte[SafetensorsHeader.PrefixLength];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        stream.Write(prefix);
        stream.Write(header);
        foreach ((_, Tensor value) in ordered)
            WriteData(stream, value);
    }

    private static (string Name, Tensor Value) Checked((string Name, Tensor Value) tensor)
    {
        if (tensor.Name is null or SafetensorsHeader.MetadataKey)
            throw new ArgumentException(
                tensor.Name is null ? "A name is null; each tensor needs one." : $"No tensor can be called {tensor.Name}: the texts are.",
                nameof(tensor));
        string problem = tensor.Value is null ? "is null" : tensor.Value.IsInvalid ? "was disposed"
            : tensor.Value.device_type == DeviceType.META ? "is on the meta device, which holds no values" : "";
        return problem.Length == 0
            ? tensor
            : throw new ArgumentException($"The tensor '{tensor.Name}' {problem}; give one with values.", nameof(tensor));
    }

    private static void WriteData(Stream stream, Tensor value)
    {
        using var scope = NewDisposeScope();
        TensorMemory.Visit(value.detach().cpu().contiguous(), (bytes, _) => stream.Write(bytes));
    }

    private static byte[] Header(IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream memory = new();
        using (Utf8JsonWriter json = new(memory))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach ((string key, string text) in metadata)
                json.WriteString(key, text);
            json.WriteEndObject();
            long offset = 0;
            foreach ((string name, Tensor value) in tensors)
                offset = WriteEntry(json, name, value, offset);
            json.WriteEndObject();
        }
        while (memory.Length % 8 != 0) // so that the data is aligned
            memory.WriteByte((byte)' ');
        return memory.ToArray();
    }

    private static long WriteEntry(Utf8JsonWriter json, string name, Tensor value, long offset)
    {
        long end = offset + (value.NumberOfElements * value.ElementSize);
        json.WriteStartObject(name);
        json.WriteString("dtype", SafetensorsTypes.NameOf(value.dtype));
        json.WriteStartArray("shape");
        foreach (long size in value.shape)
            json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
        return end;
    }
}
