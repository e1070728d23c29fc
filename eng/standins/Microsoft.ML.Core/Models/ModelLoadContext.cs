using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Where a component reads itself from: its header, its model block, and streams beside it.</summary>
internal sealed partial class ModelLoadContext : IDisposable
{
    public const string ModelStreamName = "Model.key";

    public readonly RepositoryReader Repository;
    public readonly string Directory;
    public readonly BinaryReader Reader;
    public readonly string[] Strings;
    public readonly string LoaderAssemblyName;
    public readonly long FpMin;

    internal ModelHeader Header;

    private readonly IExceptionContext _context;

    internal ModelLoadContext(RepositoryReader rep, Repository.Entry ent, string dir)
    {
        Guard.NotNull(rep, nameof(rep));
        _context = rep.ExceptionContext;
        Guard.NotNull(ent, nameof(ent), _context);
        Repository = rep;
        Directory = dir;
        Reader = new BinaryReader(ent.Stream, Encoding.UTF8, leaveOpen: true);
        FpMin = ModelHeader.BeginRead(Reader, out Header, out Strings, out LoaderAssemblyName);
    }

    internal ModelLoadContext(BinaryReader reader, IExceptionContext ectx = null)
    {
        Guard.NotNull(reader, nameof(reader), ectx);
        _context = ectx;
        Reader = reader;
        FpMin = ModelHeader.BeginRead(Reader, out Header, out Strings, out LoaderAssemblyName);
    }

    public bool InRepository => Repository is not null;

    public void CheckAtModel() => Guard.That(Reader.BaseStream.Position == FpMin + Header.FpModel, context: _context);

    public void CheckAtModel(VersionInfo ver)
    {
        CheckAtModel();
        Header.CheckVersionInfo(ver);
    }

    public void CheckVersionInfo(VersionInfo ver) => Header.CheckVersionInfo(ver);

    public string LoadStringOrNull()
    {
        int position = Reader.ReadInt32();
        Guard.Decoded(position >= -1 && position < (Strings?.Length ?? 0), context: _context);
        return position < 0 ? null : Strings[position];
    }

    public string LoadString() => LoadStringOrNull() ?? throw Fail.Decode(context: _context);

    public string LoadNonEmptyString()
    {
        string text = LoadString();
        Guard.Decoded(text.Length > 0, context: _context);
        return text;
    }

    public bool TryLoadBinaryStream(string name, Action<BinaryReader> action)
    {
        using Repository.Entry entry = OpenStreamOrNull(name, action);
        if (entry is null)
            return false;
        using var reader = new BinaryReader(entry.Stream, Encoding.UTF8, leaveOpen: true);
        action(reader);
        return true;
    }

    public bool TryLoadTextStream(string name, Action<TextReader> action)
    {
        using Repository.Entry entry = OpenStreamOrNull(name, action);
        if (entry is null)
            return false;
        using var reader = new StreamReader(entry.Stream);
        action(reader);
        return true;
    }

    public bool TryProcessSubModel(string dir, Action<ModelLoadContext> action)
    {
        Guard.That(InRepository, "Can't Load a sub-model when reading from a single stream", _context);
        Guard.NotEmpty(dir, nameof(dir), _context);
        string path = Path.Combine(Directory ?? "", dir);
        using Repository.Entry entry = Repository.OpenEntryOrNull(path, ModelStreamName);
        if (entry is null)
            return false;
        using var context = new ModelLoadContext(Repository, entry, path);
        action(context);
        return true;
    }

    public void Done()
    {
        Header.EndRead(Reader, FpMin);
        Dispose();
    }

    public void Dispose()
    {
        // The reader of a single stream belongs to the caller.
        if (InRepository)
            Reader.Dispose();
    }

    private Repository.Entry OpenStreamOrNull(string name, Delegate action)
    {
        Guard.That(InRepository, "Can't Load a sub-model when reading from a single stream", _context);
        Guard.NotEmpty(name, nameof(name), _context);
        Guard.NotNull(action, nameof(action), _context);
        return Repository.OpenEntryOrNull(Directory, name);
    }
}
