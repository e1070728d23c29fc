using System.Collections.Concurrent;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>A zip archive of streams, each of which passes through a temporary file.</summary>
internal abstract class Repository : IDisposable
{
    /// <summary>Zip path to temporary file.</summary>
    protected readonly ConcurrentDictionary<string, string> PathMap = new();

    /// <summary>The folder of the temporary files, or null when memory holds the streams.</summary>
    protected readonly string DirTemp;

    private readonly List<Entry> _open = [];

    protected Repository(bool needDir, IExceptionContext ectx)
    {
        ExceptionContext = ectx;
        if (needDir)
            DirTemp = CreateTempFolder(ectx);
        else
            GC.SuppressFinalize(this);
    }

    ~Repository()
    {
        if (!Disposed)
            Dispose(disposing: false);
    }

    public IExceptionContext ExceptionContext { get; }

    protected bool Disposed { get; private set; }

    public void Dispose()
    {
        if (Disposed)
            return;
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        DisposeAllEntries();
        if (DirTemp is not null)
        {
            try
            {
                Directory.Delete(DirTemp, recursive: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // What cannot be deleted stays in the temporary folder.
            }
        }
        Disposed = true;
    }

    protected void DisposeAllEntries()
    {
        while (_open.Count > 0)
            _open[^1].Dispose();
    }

    protected abstract void OnDispose(Entry entry);

    protected Entry AddEntry(string path, Stream stream)
    {
        var entry = new Entry(this, path, stream);
        _open.Add(entry);
        return entry;
    }

    /// <summary>The name in the archive, and a new temporary file name (null without a folder).</summary>
    protected (string InArchive, string Temporary) PathsOf(string dir, string name)
    {
        Guard.Argument(dir is null || !dir.Contains("..", StringComparison.Ordinal), nameof(dir), context: ExceptionContext);
        Guard.Argument(!string.IsNullOrWhiteSpace(name) && !name.Contains("..", StringComparison.Ordinal), nameof(name), context: ExceptionContext);
        string root = Path.GetFullPath(DirTemp ?? Path.Combine(Path.GetTempPath(), "archive"));
        string full = Path.GetFullPath(Path.Combine(root, dir ?? "", name));
        Guard.That(full.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal), context: ExceptionContext);
        return (full[(root.Length + 1)..], DirTemp is null ? null : Path.Combine(root, Path.GetRandomFileName()));
    }

    private static string CreateTempFolder(IExceptionContext context)
    {
        string parent = context is IHostEnvironmentInternal host ? host.TempFilePath : Path.GetTempPath();
        string folder;
        do
        {
            folder = Path.Combine(Path.GetFullPath(parent), $"ml_dotnet_{Path.GetFileNameWithoutExtension(Path.GetRandomFileName())}");
        }
        while (Directory.Exists(folder));
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>An open stream of the repository.</summary>
    public sealed class Entry(Repository repository, string path, Stream stream) : IDisposable
    {
        private bool _isDisposed;

        public string Path { get; } = path;

        public Stream Stream { get; } = stream;

        public void Dispose()
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            repository._open.Remove(this);
            repository.OnDispose(this);
        }
    }
}
