using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Where a component writes itself: its header, its model block, and streams beside it.</summary>
public sealed class ModelSaveContext : IDisposable
{
    internal readonly RepositoryWriter Repository;
    internal readonly string Directory;
    internal readonly BinaryWriter Writer;
    internal readonly StringPool Strings;
    internal readonly long FpMin;
    internal ModelHeader Header;

    private readonly Repository.Entry _entry;
    private readonly IExceptionContext _context;
    private string _loaderAssemblyName;

    internal ModelSaveContext(RepositoryWriter rep, string dir, string name)
    {
        Guard.NotNull(rep, nameof(rep));
        _context = rep.ExceptionContext;
        Guard.NotEmpty(name, nameof(name), _context);
        Repository = rep;
        Directory = dir;
        Strings = new StringPool();
        _entry = rep.CreateEntry(dir, name);
        Writer = new BinaryWriter(_entry.Stream, Encoding.UTF8, leaveOpen: true);
        FpMin = ModelHeader.BeginWrite(Writer, out Header);
    }

    internal ModelSaveContext(BinaryWriter writer, IExceptionContext ectx = null)
    {
        Guard.NotNull(writer, nameof(writer), ectx);
        _context = ectx;
        Strings = new StringPool();
        Writer = writer;
        FpMin = ModelHeader.BeginWrite(Writer, out Header);
    }

    internal bool InRepository => Repository is not null;

    internal void CheckAtModel() => Guard.That(Writer.BaseStream.Position == FpMin + Header.FpModel, context: _context);

    internal void SetVersionInfo(VersionInfo ver)
    {
        Header.SetVersionInfo(ver);
        _loaderAssemblyName = ver.LoaderAssemblyName;
    }

    internal void SaveTextStream(string name, Action<TextWriter> action)
    {
        using Repository.Entry entry = CreateStream(name, action);
        using var writer = new StreamWriter(entry.Stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 1024, leaveOpen: true);
        action(writer);
    }

    internal void SaveBinaryStream(string name, Action<BinaryWriter> action)
    {
        using Repository.Entry entry = CreateStream(name, action);
        using var writer = new BinaryWriter(entry.Stream, Encoding.UTF8, leaveOpen: true);
        action(writer);
    }

    internal void SaveString(string str)
    {
        Guard.NotNull(str, nameof(str), _context);
        Writer.Write(Strings.Add(str));
    }

    internal void SaveStringOrNull(string str) => Writer.Write(str is null ? -1 : Strings.Add(str));

    internal void SaveNonEmptyString(string str)
    {
        Guard.Argument(!string.IsNullOrEmpty(str), nameof(str), context: _context);
        Writer.Write(Strings.Add(str));
    }

    internal void SaveModel<T>(T value, string name)
        where T : class
    {
        Guard.That(InRepository, "Can't save a sub-model when writing to a single stream", _context);
        SaveModel(Repository, value, Path.Combine(Directory ?? "", name));
    }

    internal static void SaveModel<T>(RepositoryWriter rep, T value, string path)
        where T : class
    {
        if (value is not ICanSaveModel model)
            return;
        using var context = new ModelSaveContext(rep, path, ModelLoadContext.ModelStreamName);
        model.Save(context);
        context.Done();
    }

    internal void SaveSubModel(string dir, Action<ModelSaveContext> fn)
    {
        Guard.That(InRepository, "Can't save a sub-model when writing to a single stream", _context);
        Guard.NotEmpty(dir, nameof(dir), _context);
        using var context = new ModelSaveContext(Repository, Path.Combine(Directory ?? "", dir), ModelLoadContext.ModelStreamName);
        fn(context);
        context.Done();
    }

    internal static void Save(BinaryWriter writer, Action<ModelSaveContext> fn)
    {
        using var context = new ModelSaveContext(writer);
        fn(context);
        context.Done();
    }

    internal void Done()
    {
        Guard.That(Header.ModelSignature != 0, "ModelSignature not specified!", _context);
        ModelHeader.EndWrite(Writer, FpMin, ref Header, Strings.Strings, _loaderAssemblyName);
        Dispose();
    }

    public void Dispose()
    {
        // The writer of a single stream belongs to the caller.
        if (!InRepository)
            return;
        Writer.Dispose();
        _entry.Dispose();
    }

    private Repository.Entry CreateStream(string name, Delegate action)
    {
        Guard.That(InRepository, "Can't save a text stream when writing to a single stream", _context);
        Guard.NotEmpty(name, nameof(name), _context);
        Guard.NotNull(action, nameof(action), _context);
        return Repository.CreateEntry(Directory, name);
    }
}
