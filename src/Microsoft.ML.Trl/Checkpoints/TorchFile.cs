using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using static Microsoft.ML.Trl.Checkpoints.FileBytes;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>A file of tensors by name that torch.save of PyTorch 1.6 or later wrote. Nothing in it is executed.</summary>
/// <remarks>
/// A zip: <c>NAME/data.pkl</c> is a pickle of a dictionary of tensors, each a view of an entry <c>NAME/data/KEY</c>;
/// <c>NAME/byteorder</c> and <c>NAME/version</c> say how it was written. Sizes are checked before anything is allocated for them.
/// </remarks>
internal sealed class TorchFile : IWeightStore
{
    private const string Pickle = "data.pkl";
    private const int HighestVersion = 10; // the one that PyTorch itself reads up to

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, (TorchTensor View, TensorEntry Entry)> _tensors = new(StringComparer.Ordinal);

    private TorchFile(string path, SafeFileHandle handle) => (Source, _handle) = (path, handle);

    public string Source { get; }

    public IEnumerable<string> Names => _tensors.Keys;

    /// <summary>Opens a file and checks where its tensors lie; none is read yet.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is damaged, or holds something else than a dictionary of tensors.</exception>
    /// <exception cref="NotSupportedException">It names or does what tensors do not need, or is of the old format.</exception>
    public static TorchFile Open(string path)
    {
        using OwnershipGuard<TorchFile> file = new(new TorchFile(path, File.OpenHandle(path)));
        file.Value.ReadTable();
        return file.Release();
    }

    public TensorEntry? Find(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor.Entry : null;

    public Tensor Take(string name, ScalarType type)
    {
        (TorchTensor view, TensorEntry entry) = _tensors[name];
        if (view.IsContiguous)
            return Read(entry, type);
        using var scope = NewDisposeScope();
        Tensor flat = Read(entry with { Shape = [view.Span], Length = view.Span * (entry.Length / view.Count) }, type);
        return flat.as_strided(view.Sizes, view.Strides, 0).contiguous().MoveToOuterDisposeScope();
    }

    public void Dispose() => _handle.Dispose();

    private Tensor Read(TensorEntry entry, ScalarType type) => TensorMemory.Read(entry, Source, type, (bytes, offset) =>
    {
        FileBytes.Read(_handle, bytes, entry.Offset + offset, Source, $"tensor '{entry.Name}'");
        SafetensorsHeader.CheckValues(bytes, entry, Source);
    });

    private void ReadTable()
    {
        CheckKind();
        IReadOnlyDictionary<string, ZipRange> entries = ZipIndex.Read(_handle, Source);
        string[] pickles = [.. entries.Keys.Where(name => name == Pickle || name.EndsWith("/" + Pickle, StringComparison.Ordinal))];
        if (pickles.Length != 1)
            throw Broken(Source, $"it holds {pickles.Length} entries {Pickle} instead of one; it was not written by torch.save");
        string root = pickles[0][..^Pickle.Length];
        CheckSettings(entries, root);
        if (PickleMachine.Read(Content(entries[pickles[0]], pickles[0], BoundedText.Large), Source) is not PickleDictionary dictionary)
            throw Broken(Source, "it is no dictionary of tensors; save model.state_dict()");
        foreach ((string name, object? value) in dictionary.Items)
            _tensors.Add(name, value is TorchTensor view
                ? (view, Locate(name, view, entries, root))
                : throw Broken(Source, $"'{name}' in it is no tensor; save model.state_dict() alone, without what training needs besides"));
    }

    private void CheckKind()
    {
        Span<byte> start = stackalloc byte[4];
        int count = RandomAccess.Read(_handle, start, 0);
        if (ZipIndex.IsZip(start[..count]))
            return;
        if (start[..count].StartsWith((ReadOnlySpan<byte>)[0x80, 0x02]))
            throw new NotSupportedException(
                $"'{Source}' is in the format that torch.save had before PyTorch 1.6, which is not read. Convert it where you trust it: "
                + $"python -c \"import torch; torch.save(torch.load('{Source}', map_location='cpu'), '{Source}')\".");
        throw Broken(Source, "it is no zip file, so torch.save did not write it, or it is damaged");
    }

    private void CheckSettings(IReadOnlyDictionary<string, ZipRange> entries, string root)
    {
        const int LongestSetting = 64;
        if (entries.TryGetValue(root + "byteorder", out ZipRange? order)
            && Encoding.ASCII.GetString(Content(order, "byteorder", LongestSetting)).Trim() is not "little" and var given)
            throw new NotSupportedException(
                $"'{Source}' has the byte order '{given}'; only 'little' is read. Save it again on a machine of that order.");
        if (entries.TryGetValue(root + "version", out ZipRange? version)
            && Encoding.ASCII.GetString(Content(version, "version", LongestSetting)).Trim() is var text
            && !(int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= HighestVersion))
            throw new NotSupportedException(
                $"'{Source}' has version '{text}' of torch.save's format; versions up to {HighestVersion} are read. "
                + "Save it with an older PyTorch, or with safetensors.");
    }

    private byte[] Content(ZipRange range, string name, int limit)
    {
        if (range.Length > limit)
            throw Broken(Source, $"entry '{name}' has {range.Length} bytes; at most {limit} are allowed");
        byte[] content = new byte[range.Length];
        FileBytes.Read(_handle, content, range.Offset, Source, $"entry '{name}'");
        return content;
    }

    private TensorEntry Locate(string name, TorchTensor view, IReadOnlyDictionary<string, ZipRange> entries, string root)
    {
        string key = $"{root}data/{view.Storage.Key}";
        if (!entries.TryGetValue(key, out ZipRange? range))
            throw Broken(Source, $"tensor '{name}' lies in entry '{key}', which is not there");
        int size = SafetensorsTypes.SizeOf(view.Storage.TypeName)!.Value;
        if (range.Length % size != 0 || range.Length / size != view.Storage.Count)
            throw Broken(
                Source, $"entry '{key}' of tensor '{name}' has {range.Length} bytes instead of {view.Storage.Count} elements of {size}");
        return new TensorEntry(
            name, view.Storage.TypeName, Array.AsReadOnly(view.Sizes), range.Offset + (view.Offset * size), view.Count * size);
    }
}
