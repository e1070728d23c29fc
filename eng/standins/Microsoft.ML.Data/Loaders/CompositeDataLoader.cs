using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: Microsoft.ML.LoadableClass("A model loader that encapsulates a data loader and a transformer chain.",
    typeof(CompositeDataLoader<IMultiStreamSource, Microsoft.ML.ITransformer>), typeof(CompositeDataLoader<IMultiStreamSource, Microsoft.ML.ITransformer>), null,
    typeof(Microsoft.ML.SignatureLoadModel), "Composite Loader", CompositeDataLoader.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>A loader followed by transformers.</summary>
public sealed class CompositeDataLoader<TSource, TLastTransformer> : IDataLoader<TSource>, IDisposable
    where TLastTransformer : class, ITransformer
{
    public readonly IDataLoader<TSource> Loader;
    public readonly TransformerChain<TLastTransformer> Transformer;

    private bool _isDisposed;

    public CompositeDataLoader(IDataLoader<TSource> loader, TransformerChain<TLastTransformer> transformerChain = null)
    {
        Guard.NotNull(loader, nameof(loader));
        Loader = loader;
        Transformer = transformerChain ?? new TransformerChain<TLastTransformer>();
    }

    private static CompositeDataLoader<TSource, TLastTransformer> Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        IHost host = env.Register(CompositeDataLoader.LoaderSignature);
        ctx.CheckAtModel(CompositeDataLoader.Version);
        // Old files call the loader's folder Reader.
        if (!ctx.LoadModelOrNull<IDataLoader<TSource>, SignatureLoadModel>(host, out IDataLoader<TSource> loader, "Reader"))
            ctx.LoadModel<IDataLoader<TSource>, SignatureLoadModel>(host, out loader, CompositeDataLoader.LoaderFolder);
        ctx.LoadModel<TransformerChain<TLastTransformer>, SignatureLoadModel>(host, out TransformerChain<TLastTransformer> chain, TransformerChain.LoaderSignature);
        return new CompositeDataLoader<TSource, TLastTransformer>(loader, chain);
    }

    public IDataView Load(TSource input) => Transformer.Transform(Loader.Load(input));

    public DataViewSchema GetOutputSchema() => Transformer.GetOutputSchema(Loader.GetOutputSchema());

    public CompositeDataLoader<TSource, TNewLast> AppendTransformer<TNewLast>(TNewLast transformer)
        where TNewLast : class, ITransformer
    {
        Guard.NotNull(transformer, nameof(transformer));
        return new CompositeDataLoader<TSource, TNewLast>(Loader, Transformer.Append(transformer));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(CompositeDataLoader.Version);
        ctx.SaveModel(Loader, CompositeDataLoader.LoaderFolder);
        ctx.SaveModel(Transformer, TransformerChain.LoaderSignature);
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        Transformer.Dispose();
        _isDisposed = true;
    }
}

/// <summary>How composite loaders are written.</summary>
internal static class CompositeDataLoader
{
    public const string LoaderSignature = "CompositeLoader";
    public const string LoaderFolder = "Loader";

    public static VersionInfo Version { get; } =
        new("CMPSTLDR", 0x00010001, 0x00010001, 0x00010001, typeof(CompositeDataLoader).Assembly.FullName, LoaderSignature);
}
