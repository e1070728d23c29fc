using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Loading of whole models: the loader is found by the signature and the assembly name in the header.</summary>
internal sealed partial class ModelLoadContext
{
    public bool ContainsModel(string name)
    {
        if (!InRepository || string.IsNullOrEmpty(name))
            return false;
        using Repository.Entry entry = Repository.OpenEntryOrNull(Path.Combine(Directory ?? "", name), ModelStreamName);
        return entry is not null;
    }

    public void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra)
        where TRes : class
    {
        Guard.NotNull(env, nameof(env), _context);
        if (!LoadModelOrNull<TRes, TSig>(env, out result, name, extra))
            throw Fail.Decode("Corrupt model file", context: _context);
    }

    public bool LoadModelOrNull<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra)
        where TRes : class
    {
        Guard.That(InRepository, "Can't load a sub-model when reading from a single stream", _context);
        return LoadModelOrNull<TRes, TSig>(env, out result, Repository, Path.Combine(Directory ?? "", name), extra);
    }

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep, string dir, params object[] extra)
        where TRes : class
    {
        if (!LoadModelOrNull<TRes, TSig>(env, out result, rep, dir, extra))
            throw Fail.Decode("Corrupt model file", context: env);
    }

    public static bool LoadModelOrNull<TRes, TSig>(IHostEnvironment env, out TRes result, RepositoryReader rep, string dir, params object[] extra)
        where TRes : class
    {
        Guard.NotNull(env, nameof(env));
        Guard.NotNull(rep, nameof(rep), env);
        using Repository.Entry entry = rep.OpenEntryOrNull(dir, ModelStreamName);
        result = null;
        if (entry is null)
            return false;
        using var context = new ModelLoadContext(rep, entry, dir);
        if (!context.TryLoad<TRes, TSig>(env, out result, extra))
            throw Fail.Decode($"Couldn't load model: '{dir}'", context: env);
        return true;
    }

    public static void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, Stream stream, params object[] extra)
        where TRes : class
    {
        Guard.NotNull(env, nameof(env));
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        using var context = new ModelLoadContext(reader);
        if (!context.TryLoad<TRes, TSig>(env, out result, extra))
            throw Fail.Decode("Couldn't load model");
    }

    private bool TryLoad<TRes, TSig>(IHostEnvironment env, out TRes result, object[] extra)
        where TRes : class
    {
        RegisterLoaderAssembly(env.ComponentCatalog);
        object[] arguments = [this, .. extra];
        foreach (string signature in (string[])[Header.LoaderSignature, Header.LoaderSignatureAlt])
        {
            if (string.IsNullOrWhiteSpace(signature)
                || !ComponentCatalog.TryCreateInstance<object, TSig>(env, out object instance, signature, "", arguments))
            {
                continue;
            }
            result = instance as TRes;
            if (result is null)
                continue;
            Done();
            return true;
        }
        Reader.BaseStream.Position = FpMin;
        result = null;
        return false;
    }

    private void RegisterLoaderAssembly(ComponentCatalog catalog)
    {
        if (string.IsNullOrEmpty(LoaderAssemblyName))
            return;
        var name = new AssemblyName(LoaderAssemblyName);
        // A file written by the signed packages names their key, which a stand-in has not: the simple name decides for ML.NET's own.
        bool isOwn = name.Name is "Microsoft.ML.Core" or "Microsoft.ML.Data" or "Microsoft.ML.Transforms";
        catalog.RegisterAssembly(isOwn ? Assembly.Load(name.Name) : Assembly.Load(LoaderAssemblyName));
    }
}
