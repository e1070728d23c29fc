using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>A safetensors file, open for reading. Tensors go from the file straight into their memory.</summary>
/// <remarks>Reading is thread-safe. Format: https://github.com/huggingface/safetensors.</remarks>
public sealed class SafetensorsFile : IWeightStore
{
    private readonly SafeFileHandle _handle;
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(string path, SafeFileHandle handle, SafetensorsHeader header)
        => (Path, _handle, _header) = (path, handle, header);

    /// <summary>The file as given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>What the file holds, by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries => _header.Entries;

    /// <summary>The file's texts under <c>__metadata__</c>; often <c>format</c> = <c>pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its table of contents; no tensor is read yet.</summary>
    /// <param name="path">A file in safetensors format.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a folder, or may not be read.</exception>
    /// <exception cref="InvalidDataException">
    /// It is damaged, cut off, or of another format; the message says what is wrong with which tensor.
    /// </exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SafeFileHandle handle = File.OpenHandle(path);
        try
        {
            return new SafetensorsFile(path, handle, ReadHeader(handle, path));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Reads one tensor to the CPU, in the type the file has.</summary>
    /// <param name="name">A key of <see cref="Entries"/>.</param>
    /// <returns>A new tensor. The caller owns it.</returns>
    /// <exception cref="KeyNotFoundException">The file has no such tensor.</exception>
    /// <exception cref="NotSupportedException">TorchSharp has no such element type.</exception>
    /// <exception cref="InvalidDataException">The bytes are no values of the type, or the file became shorter.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public Tensor Read(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        return Read(Known(name), null);
    }

    string IWeightStore.Source => Path;

    IEnumerable<string> IWeightStore.Names => Entries.Keys;

    TensorEntry? IWeightStore.Find(string name) => Entries.GetValueOrDefault(name);

    Tensor IWeightStore.Take(string name, ScalarType type) => Read(Known(name), type);

    IEnumerable<(long From, Tensor Rows)> IWeightStore.TakeRows(string name, long atOnce)
    {
        TensorEntry entry = Known(name);
        long rows = entry.Shape[0], bytes = rows == 0 ? 0 : entry.Length / rows;
        for (long from = 0; from < rows; from += atOnce)
        {
            long count = Math.Min(atOnce, rows - from);
            using Tensor part = Read(
                entry with
                {
                    Shape = [count, .. entry.Shape.Skip(1)],
                    Offset = entry.Offset + (from * bytes),
                    Length = count * bytes,
                }, null);
            yield return (from, part);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _handle.Dispose();

    private static SafetensorsHeader ReadHeader(SafeFileHandle handle, string path)
    {
        long length = RandomAccess.GetLength(handle);
        if (length < SafetensorsHeader.PrefixLength)
            throw FileBytes.Broken(path, $"it has only {length} bytes; it is not a safetensors file");
        byte[] prefix = new byte[SafetensorsHeader.PrefixLength];
        FileBytes.Read(handle, prefix, 0, path, "the header");
        byte[] json = new byte[SafetensorsHeader.ParseLength(prefix, length, path)];
        FileBytes.Read(handle, json, prefix.Length, path, "the header");
        return SafetensorsHeader.Parse(json, length, path);
    }

    private Tensor Read(TensorEntry entry, ScalarType? type) => TensorMemory.Read(entry, Path, type, (bytes, offset) =>
    {
        FileBytes.Read(_handle, bytes, entry.Offset + offset, Path, $"tensor '{entry.Name}'");
        SafetensorsHeader.CheckValues(bytes, entry, Path);
    });

    private TensorEntry Known(string name) =>
        Entries.TryGetValue(name, out TensorEntry? entry)
            ? entry
            : throw new KeyNotFoundException(
                $"'{Path}' has no tensor '{name}'; it has {Entries.Count} others, for example {string.Join(", ", Entries.Keys.Take(3))}.");
}
