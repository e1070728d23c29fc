using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Checkpoints;

/// <summary>Puts a GGUF file together byte by byte, after the specification (docs/gguf.md of ggml), without the code under test.</summary>
internal sealed class GgufBytes
{
    private readonly List<byte[]> _values = [], _infos = [];
    private readonly List<byte> _data = [];

    public uint Version { get; set; } = 3;

    public ulong? TensorCount { get; set; }

    public ulong? ValueCount { get; set; }

    public static byte[] Text(string text) => [.. U64((ulong)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    public static byte[] U32(uint number) => BitConverter.GetBytes(number);

    public static byte[] U64(ulong number) => BitConverter.GetBytes(number);

    public static byte[] Float(float number) => BitConverter.GetBytes(number);

    public GgufBytes Value(string key, uint type, byte[] value)
    {
        _values.Add([.. Text(key), .. U32(type), .. value]);
        return this;
    }

    public GgufBytes Value(string key, uint number) => Value(key, 4, U32(number));

    public GgufBytes Value(string key, float number) => Value(key, 6, Float(number));

    public GgufBytes Value(string key, string text) => Value(key, 8, Text(text));

    /// <summary>A tensor behind the ones there are.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">ggml's number of its type.</param>
    /// <param name="sizes">The innermost first.</param>
    /// <param name="data">Its bytes.</param>
    /// <param name="offset">What is written for its place; null = where it is.</param>
    public GgufBytes Tensor(string name, uint type, ulong[] sizes, byte[] data, ulong? offset = null)
    {
        _data.AddRange(new byte[-_data.Count & 31]);
        byte[] place = U64(offset ?? (ulong)_data.Count);
        _infos.Add([.. Text(name), .. U32((uint)sizes.Length), .. sizes.SelectMany(U64), .. U32(type), .. place]);
        _data.AddRange(data);
        return this;
    }

    /// <summary>A tensor in float32.</summary>
    public GgufBytes Tensor(string name, Tensor value)
    {
        using Tensor floats = value.to_type(ScalarType.Float32).contiguous();
        return Tensor(name, 0, [.. value.shape.Reverse().Select(size => (ulong)size)], floats.bytes.ToArray());
    }

    public byte[] Done()
    {
        byte[] head =
        [
            .. "GGUF"u8, .. U32(Version), .. U64(TensorCount ?? (ulong)_infos.Count), .. U64(ValueCount ?? (ulong)_values.Count),
            .. _values.SelectMany(bytes => bytes), .. _infos.SelectMany(bytes => bytes),
        ];
        return [.. head, .. new byte[-head.Length & 31], .. _data, .. new byte[-_data.Count & 31]];
    }

    public static byte[] Bytes(params float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
