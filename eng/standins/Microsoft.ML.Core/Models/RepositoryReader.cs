using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Reads streams from a zip archive; each is extracted to a temporary file that stays until the repository is closed.</summary>
internal sealed class RepositoryReader : Repository
{
    private readonly ZipArchive _archive;

    // Zip path, as the archive spells it, to entry.
    private readonly Dictionary<string, ZipArchiveEntry> _entries = [];

    private RepositoryReader(Stream stream, IExceptionContext ectx, bool useFileSystem)
        : base(useFileSystem, ectx)
    {
        try
        {
            _archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        }
        catch (Exception exception)
        {
            throw Fail.Decode("Failed to open a zip archive", exception, ectx);
        }
        foreach (ZipArchiveEntry entry in _archive.Entries)
            _entries[entry.FullName.Replace('/', Path.DirectorySeparatorChar)] = entry;
    }

    public static RepositoryReader Open(Stream stream, IExceptionContext ectx = null, bool useFileSystem = true)
    {
        Guard.NotNull(stream, nameof(stream), ectx);
        return new RepositoryReader(stream, ectx, useFileSystem);
    }

    public Entry OpenEntry(string name) => OpenEntry(null, name);

    public Entry OpenEntry(string dir, string name) =>
        OpenEntryOrNull(dir, name) ?? throw Fail.State($"Repository doesn't contain entry {PathsOf(dir, name).InArchive}", context: ExceptionContext);

    public Entry OpenEntryOrNull(string name) => OpenEntryOrNull(null, name);

    public Entry OpenEntryOrNull(string dir, string name)
    {
        Guard.That(!Disposed, context: ExceptionContext);
        (string path, string temporary) = PathsOf(dir, name);
        // Upper and lower case are one file, as they are on Windows.
        string key = path.ToLowerInvariant();
        if (PathMap.TryGetValue(key, out string extracted))
            return AddEntry(path, OpenRead(extracted));
        // Old archives separate folders with a backslash.
        if (!_entries.TryGetValue(path, out ZipArchiveEntry entry) && !_entries.TryGetValue(path.Replace('/', '\\'), out entry))
            return null;
        return AddEntry(path, temporary is null ? InMemory(entry) : Extract(entry, key, temporary));
    }

    protected override void OnDispose(Entry entry) => entry.Stream.Dispose();

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            _archive?.Dispose();
    }

    private static FileStream OpenRead(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read);

    private static MemoryStream InMemory(ZipArchiveEntry entry)
    {
        Guard.Decoded(entry.Length < int.MaxValue, "Repository stream too large to read into memory");
        var memory = new MemoryStream((int)entry.Length);
        using Stream source = entry.Open();
        source.CopyTo(memory);
        memory.Position = 0;
        return memory;
    }

    private FileStream Extract(ZipArchiveEntry entry, string key, string temporary)
    {
        entry.ExtractToFile(temporary);
        PathMap.TryAdd(key, temporary);
        return OpenRead(temporary);
    }
}
