using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>A tensor that is written to a GGUF file.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Value">Of any float type, on any device; only read.</param>
/// <param name="Type">How it is stored.</param>
/// <param name="Change">Changes the values, not the shape; null = none.</param>
internal sealed record GgufTensor(string Name, Tensor Value, GgmlType Type, Func<Tensor, Tensor>? Change = null);

/// <summary>Writes GGUF files, version 3, one tensor after another, without holding the file in memory.</summary>
internal static class GgufWriter
{
    private const uint Version = 3;
    private const long PieceSize = 1L << 20; // a multiple of every block

    /// <summary>Writes a file. It appears under its name when it is complete, replacing what was there.</summary>
    /// <param name="path">Where to; the folder must exist.</param>
    /// <param name="metadata">uint, float, bool, string, string[] or int[] by name.</param>
    /// <param name="tensors">What is stored.</param>
    public static void Write(
        string path, IReadOnlyCollection<KeyValuePair<string, object>> metadata, IReadOnlyCollection<GgufTensor> tensors)
    {
        string unfinished = path + ".part";
        try
        {
            using (FileStream stream = new(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
                Write(stream, metadata, tensors);
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static void Write(
        Stream stream, IReadOnlyCollection<KeyValuePair<string, object>> metadata, IReadOnlyCollection<GgufTensor> tensors)
    {
        using BinaryWriter writer = new(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(GgufFile.Magic);
        writer.Write(Version);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)metadata.Count);
        foreach ((string key, object value) in metadata)
            WriteValue(writer, key, value);
        long offset = 0;
        foreach (GgufTensor tensor in tensors)
        {
            WriteInfo(writer, tensor, offset);
            offset = Aligned(offset + (tensor.Value.NumberOfElements / tensor.Type.BlockSize * tensor.Type.BlockLength));
        }
        foreach (GgufTensor tensor in tensors)
        {
            Pad(writer);
            WriteData(writer, tensor);
        }
        Pad(writer);
    }

    private static void WriteValue(BinaryWriter writer, string key, object value)
    {
        WriteText(writer, key);
        switch (value)
        {
            case uint number:
                writer.Write(4);
                writer.Write(number);
                break;
            case float number:
                writer.Write(6);
                writer.Write(number);
                break;
            case bool flag:
                writer.Write(7);
                writer.Write(flag);
                break;
            case string text:
                writer.Write(8);
                WriteText(writer, text);
                break;
            case string[] texts:
                writer.Write(9);
                WriteArray(writer, 8, texts, text => WriteText(writer, text));
                break;
            case float[] numbers:
                writer.Write(9);
                WriteArray(writer, 6, numbers, writer.Write);
                break;
            case int[] numbers:
                writer.Write(9);
                WriteArray(writer, 5, numbers, writer.Write);
                break;
            default:
                throw new ArgumentException($"Metadata of type {value.GetType().Name} cannot be written ({key}).", nameof(value));
        }
    }

    private static void WriteArray<T>(BinaryWriter writer, int type, T[] values, Action<T> write)
    {
        writer.Write(type);
        writer.Write((ulong)values.Length);
        foreach (T value in values)
            write(value);
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static void WriteInfo(BinaryWriter writer, GgufTensor tensor, long offset)
    {
        WriteText(writer, tensor.Name);
        writer.Write((uint)tensor.Value.dim());
        foreach (long size in tensor.Value.shape.Reverse()) // the innermost first
            writer.Write((ulong)size);
        writer.Write(tensor.Type.Id);
        writer.Write((ulong)offset);
    }

    private static void WriteData(BinaryWriter writer, GgufTensor tensor)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor value = tensor.Value.detach().cpu();
        Tensor flat = (tensor.Change?.Invoke(value) ?? value).contiguous().view(-1);
        for (long start = 0; start < flat.NumberOfElements; start += PieceSize)
        {
            using var part = NewDisposeScope();
            Tensor piece = flat.narrow(0, start, Math.Min(PieceSize, flat.NumberOfElements - start)).to_type(ScalarType.Float32);
            if (tensor.Type == GgmlType.Q8_0)
                WriteBlocks(writer, MemoryMarshal.Cast<byte, float>(piece.bytes));
            else
                writer.Write(piece.to_type(SafetensorsTypes.ToScalarType(tensor.Type.TypeName)!.Value).bytes);
        }
    }

    private static void WriteBlocks(BinaryWriter writer, ReadOnlySpan<float> values)
    {
        Span<byte> block = stackalloc byte[GgmlType.Q8_0.BlockLength];
        for (int start = 0; start < values.Length; start += GgmlType.Q8_0.BlockSize)
        {
            GgmlBlocks.EncodeQ8_0(values.Slice(start, GgmlType.Q8_0.BlockSize), block);
            writer.Write(block);
        }
    }

    private static long Aligned(long offset) =>
        (offset + GgufFile.DefaultAlignment - 1) / GgufFile.DefaultAlignment * GgufFile.DefaultAlignment;

    private static void Pad(BinaryWriter writer)
    {
        writer.Flush();
        for (long position = writer.BaseStream.Position; position < Aligned(writer.BaseStream.Position); position++)
            writer.BaseStream.WriteByte(0);
    }
}
