using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static Microsoft.ML.Trl.Checkpoints.FileBytes;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>A GGUF file, open for reading: named values, and tensors that are decoded to floats piece by piece.</summary>
/// <remarks>
/// Format, versions 2 and 3: docs/gguf.md of ggml. The file is not trusted: every count, length and place is checked against its length.
/// </remarks>
internal sealed class GgufFile : IWeightStore
{
    public const uint Magic = 0x46554747; // GGUF
    public const string AlignmentKey = "general.alignment";
    public const int DefaultAlignment = 32;
    private const int LowestVersion = 2, HighestVersion = 3, MostDimensions = 4, LargestAlignment = 1 << 20;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, (GgmlType Type, TensorEntry Entry)> _tensors = new(StringComparer.Ordinal);

    private GgufFile(string path, SafeFileHandle handle)
    {
        (Source, _handle) = (path, handle);
        Metadata = new GgufMetadata(new Dictionary<string, object>(), path);
    }

    public string Source { get; }

    public GgufMetadata Metadata { get; private set; }

    public IEnumerable<string> Names => _tensors.Keys;

    /// <summary>Opens a file and checks its header; no tensor is read yet.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or of another format.</exception>
    /// <exception cref="NotSupportedException">It is of another version or byte order, or has a tensor of a type not read.</exception>
    public static GgufFile Open(string path)
    {
        using OwnershipGuard<GgufFile> file = new(new GgufFile(path, File.OpenHandle(path)));
        file.Value.ReadHeader();
        return file.Release();
    }

    /// <summary>Shape, outermost size first, and the type of the decoded values.</summary>
    public TensorEntry? Find(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor.Entry : null;

    public Tensor Take(string name, ScalarType type)
    {
        (GgmlType stored, TensorEntry entry) = _tensors[name];
        if (stored.Decode is not { } decode)
            return TensorMemory.Read(entry, Source, type, (bytes, offset) => Read(bytes, entry, offset));
        return TensorMemory.Read(entry, Source, type, (bytes, offset) =>
        {
            Span<float> values = MemoryMarshal.Cast<byte, float>(bytes);
            long firstBlock = offset / sizeof(float) / stored.BlockSize;
            int length = values.Length / stored.BlockSize * stored.BlockLength;
            byte[] rented = ArrayPool<byte>.Shared.Rent(length);
            Read(rented.AsSpan(0, length), entry, firstBlock * stored.BlockLength);
            for (int at = 0; at < values.Length; at += stored.BlockSize)
                decode(rented.AsSpan(at / stored.BlockSize * stored.BlockLength, stored.BlockLength), values.Slice(at, stored.BlockSize));
            ArrayPool<byte>.Shared.Return(rented);
        });
    }

    public void Dispose() => _handle.Dispose();

    private void Read(Span<byte> bytes, TensorEntry entry, long offset) =>
        FileBytes.Read(_handle, bytes, entry.Offset + offset, Source, $"tensor '{entry.Name}'");

    private void ReadHeader()
    {
        GgufReader reader = new(_handle, Source);
        CheckKind(reader);
        int tensors = reader.Count(24, "tensors"), count = reader.Count(13, "values of metadata");
        Dictionary<string, object> values = new(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
            if (reader.Text() is var key && !values.TryAdd(key, reader.Value()))
                throw Broken(Source, $"its metadata has '{key}' twice");
        Metadata = new GgufMetadata(values, Source);
        for (int i = 0; i < tensors; i++)
            ReadTensor(reader);
        Place(reader.Position);
    }

    private void CheckKind(GgufReader reader)
    {
        if (RandomAccess.GetLength(_handle) < 24 || reader.U32() != Magic)
            throw Broken(Source, "it does not begin with GGUF; it is of another format or damaged");
        uint version = reader.U32();
        if (version is < LowestVersion or > HighestVersion)
            throw new NotSupportedException(
                $"'{Source}' has version {version} of the GGUF format{((version & 0xFFFF) == 0 ? " or another byte order" : "")}; versions "
                + $"{LowestVersion} and {HighestVersion} in little-endian order are read. Convert the model again with a newer llama.cpp.");
    }

    /// <summary>A line of the table of tensors; its place is still counted from the start of the data.</summary>
    private void ReadTensor(GgufReader reader)
    {
        string name = reader.Text();
        uint dimensions = reader.U32();
        if (dimensions > MostDimensions)
            throw Broken(Source, $"tensor '{name}' has {dimensions} dimensions; at most {MostDimensions} are allowed");
        long[] shape = new long[dimensions];
        for (int i = shape.Length - 1; i >= 0; i--) // the file has the innermost first
            shape[i] = reader.Number($"size of tensor '{name}'");
        GgmlType type = GgmlType.Of(reader.U32(), name, Source);
        long offset = reader.Number($"place of tensor '{name}'");
        string text = $"tensor '{name}' of type {type.Name} and shape [{string.Join(", ", shape)}]";
        if ((shape.Length == 0 ? 1 : shape[^1]) % type.BlockSize != 0)
            throw Broken(Source, $"{text} has rows that are no multiple of its blocks of {type.BlockSize} values");
        long count = type.BlockLength;
        try
        {
            foreach (long size in shape)
                count = checked(count * size);
        }
        catch (OverflowException)
        {
            throw Broken(Source, $"{text} is larger than any file");
        }
        TensorEntry entry = new(name, type.TypeName, System.Array.AsReadOnly(shape), offset, count / type.BlockSize);
        if (!_tensors.TryAdd(name, (type, entry)))
            throw Broken(Source, $"it has tensor '{name}' twice");
    }

    /// <summary>Counts the tensors' places from the start of the file, and checks that they lie within it and apart.</summary>
    private void Place(long headerLength)
    {
        int alignment = Metadata.Integer(AlignmentKey) ?? DefaultAlignment;
        if (alignment is < 8 or > LargestAlignment || alignment % 8 != 0)
            throw Broken(Source, $"its {AlignmentKey} is {alignment}; a multiple of 8 up to {LargestAlignment} is allowed");
        long start = (headerLength + alignment - 1) / alignment * alignment, length = RandomAccess.GetLength(_handle), end = start;
        foreach ((string name, (GgmlType type, TensorEntry entry)) in _tensors.OrderBy(tensor => tensor.Value.Entry.Offset).ToArray())
        {
            if (entry.Offset % alignment != 0)
                throw Broken(Source, $"tensor '{name}' begins at byte {entry.Offset} of the data, which is no multiple of {alignment}");
            if (entry.Offset > length - start || entry.Length > length - start - entry.Offset)
                throw Broken(
                    Source, $"tensor '{name}' should have {entry.Length} bytes from byte {entry.Offset} of the data on, but the data has "
                    + $"{Math.Max(0, length - start)} bytes: it was cut off");
            if (start + entry.Offset < end)
                throw Broken(Source, $"tensor '{name}' overlaps the one before it");
            end = start + entry.Offset + entry.Length;
            _tensors[name] = (type, entry with { Offset = start + entry.Offset });
        }
    }
}
