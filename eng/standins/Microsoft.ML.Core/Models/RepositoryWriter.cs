using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Writes streams into a zip archive: each to a temporary file first, copied when the next one begins.</summary>
internal sealed class RepositoryWriter : Repository
{
    private ZipArchive _archive;
    private Queue<Entry> _closed = new();

    private RepositoryWriter(Stream stream, IExceptionContext ectx, bool useFileSystem)
        : base(useFileSystem, ectx) =>
        _archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);

    public static RepositoryWriter CreateNew(Stream stream, IExceptionContext ectx = null, bool useFileSystem = true)
    {
        Guard.NotNull(stream, nameof(stream), ectx);
        var repository = new RepositoryWriter(stream, ectx, useFileSystem);
        using Entry entry = repository.CreateEntry("TrainingInfo", "Version.txt");
        using var writer = new StreamWriter(entry.Stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        writer.WriteLine(typeof(RepositoryWriter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>().InformationalVersion);
        return repository;
    }

    public Entry CreateEntry(string name) => CreateEntry(null, name);

    public Entry CreateEntry(string dir, string name)
    {
        Guard.That(!Disposed, context: ExceptionContext);
        Flush();
        (string path, string temporary) = PathsOf(dir, name);
        Guard.Argument(PathMap.TryAdd(path, temporary), nameof(name), $"Duplicate entry: '{path}'", ExceptionContext);
        Stream stream = temporary is null ? new MemoryStream() : new FileStream(temporary, FileMode.CreateNew);
        return AddEntry(path, stream);
    }

    public void Commit()
    {
        Guard.That(!Disposed, context: ExceptionContext);
        DisposeAllEntries();
        Flush();
        // Unlike in Dispose(), a failure to finish the archive is not swallowed here.
        _archive.Dispose();
        _archive = null;
        Dispose();
    }

    protected override void OnDispose(Entry entry)
    {
        if (_closed is null)
            entry.Stream.Dispose();
        else
            _closed.Enqueue(entry);
    }

    protected override void Dispose(bool disposing)
    {
        while (_closed?.Count > 0)
            _closed.Dequeue().Stream.Dispose();
        _closed = null;
        try
        {
            _archive?.Dispose();
        }
        catch (IOException)
        {
            // The archive is being given up.
        }
        _archive = null;
        base.Dispose(disposing);
    }

    private void Flush()
    {
        while (_closed.Count > 0)
        {
            Entry entry = _closed.Dequeue();
            using (Stream source = entry.Stream)
            using (Stream destination = _archive.CreateEntry(entry.Path).Open())
            {
                source.Position = 0;
                source.CopyTo(destination);
            }
            if (entry.Stream is FileStream file)
                File.Delete(file.Name);
        }
    }
}
