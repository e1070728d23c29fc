using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Saving, loading and using fitted models.</summary>
public sealed class ModelOperationsCatalog
{
    private const string SchemaEntry = "Schema";

    private readonly IHostEnvironment _env;

    internal ModelOperationsCatalog(IHostEnvironment env) => _env = env;

    public void Save(ITransformer model, DataViewSchema inputSchema, Stream stream)
    {
        Guard.NotNull(stream, nameof(stream), _env);
        using RepositoryWriter repository = RepositoryWriter.CreateNew(stream, _env);
        ModelSaveContext.SaveModel(repository, model, TransformerChain.LoaderSignature);
        if (inputSchema is not null)
        {
            using Repository.Entry entry = repository.CreateEntry(SchemaEntry);
            using IChannel channel = _env.Start("Saving Schema");
            // A table without rows; columns whose type cannot be written are left out.
            BinaryTableWriter.Write(channel, new EmptyView(inputSchema), entry.Stream, keepHidden: true);
        }
        repository.Commit();
    }

    public void Save(ITransformer model, DataViewSchema inputSchema, string filePath)
    {
        Guard.NotEmpty(filePath, nameof(filePath), _env);
        using FileStream stream = File.Create(filePath);
        Save(model, inputSchema, stream);
    }

    public void Save<TSource>(ITransformer model, IDataLoader<TSource> loader, Stream stream)
    {
        Guard.NotNull(loader, nameof(loader), _env);
        Guard.NotNull(stream, nameof(stream), _env);
        TransformerChain<ITransformer> chain = model is null ? null : new TransformerChain<ITransformer>(model);
        using RepositoryWriter repository = RepositoryWriter.CreateNew(stream, _env);
        ModelSaveContext.SaveModel(repository, new CompositeDataLoader<TSource, ITransformer>(loader, chain), null);
        repository.Commit();
    }

    public void Save<TSource>(ITransformer model, IDataLoader<TSource> loader, string filePath)
    {
        Guard.NotNull(loader, nameof(loader), _env);
        Guard.NotEmpty(filePath, nameof(filePath), _env);
        using FileStream stream = File.Create(filePath);
        Save(model, loader, stream);
    }

    public ITransformer Load(Stream stream, out DataViewSchema inputSchema)
    {
        Guard.NotNull(stream, nameof(stream), _env);
        using RepositoryReader repository = RepositoryReader.Open(stream, _env);
        using (Repository.Entry entry = repository.OpenEntryOrNull(SchemaEntry))
        {
            if (entry is not null)
            {
                inputSchema = new BinaryTableReader(_env, entry.Stream).Schema;
                ModelLoadContext.LoadModel<ITransformer, SignatureLoadModel>(_env, out ITransformer model, repository, TransformerChain.LoaderSignature);
                return model;
            }
        }
        if (ModelLoadContext.LoadModelOrNull<IDataLoader<IMultiStreamSource>, SignatureLoadModel>(
            _env, out IDataLoader<IMultiStreamSource> loader, repository, null))
        {
            ITransformer model = TakeModel(ref loader);
            inputSchema = loader.GetOutputSchema();
            return model;
        }
        inputSchema = null;
        if (ModelLoadContext.LoadModelOrNull<ITransformer, SignatureLoadModel>(_env, out ITransformer bare, repository, TransformerChain.LoaderSignature))
            return bare;
        throw Fail.State("Could not load legacy format model", context: _env);
    }

    public ITransformer Load(string filePath, out DataViewSchema inputSchema)
    {
        Guard.NotEmpty(filePath, nameof(filePath), _env);
        using FileStream stream = File.OpenRead(filePath);
        return Load(stream, out inputSchema);
    }

    public ITransformer LoadWithDataLoader(Stream stream, out IDataLoader<IMultiStreamSource> loader)
    {
        Guard.NotNull(stream, nameof(stream), _env);
        // Without the environment, as in the real one: temporary files go to the system's folder.
        using RepositoryReader repository = RepositoryReader.Open(stream);
        try
        {
            ModelLoadContext.LoadModel<IDataLoader<IMultiStreamSource>, SignatureLoadModel>(_env, out loader, repository, null);
            return TakeModel(ref loader);
        }
        catch (Exception exception)
        {
            throw Fail.State("Model does not contain an IDataLoader. Perhaps this was saved with an DataViewSchema, or even no information " +
                "on its input at all. Consider using the Load method instead.", exception, _env);
        }
    }

    public ITransformer LoadWithDataLoader(string filePath, out IDataLoader<IMultiStreamSource> loader)
    {
        Guard.NotEmpty(filePath, nameof(filePath), _env);
        using FileStream stream = File.OpenRead(filePath);
        return LoadWithDataLoader(stream, out loader);
    }

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer,
        bool ignoreMissingColumns = true, SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class
        where TDst : class, new() =>
        CreatePredictionEngine<TSrc, TDst>(transformer, new PredictionEngineOptions
        {
            IgnoreMissingColumns = ignoreMissingColumns,
            InputSchemaDefinition = inputSchemaDefinition,
            OutputSchemaDefinition = outputSchemaDefinition,
        });

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, DataViewSchema inputSchema)
        where TSrc : class
        where TDst : class, new() =>
        CreatePredictionEngine<TSrc, TDst>(transformer, ignoreMissingColumns: false, RowLayout.DefinitionFor(typeof(TSrc), inputSchema));

    public PredictionEngine<TSrc, TDst> CreatePredictionEngine<TSrc, TDst>(ITransformer transformer, PredictionEngineOptions options)
        where TSrc : class
        where TDst : class, new() =>
        new(_env, transformer, options);

    /// <summary>What was saved beside a loader is a chain of one: that one is the model.</summary>
    private static ITransformer TakeModel(ref IDataLoader<IMultiStreamSource> loader)
    {
        if (loader is not CompositeDataLoader<IMultiStreamSource, ITransformer> composite)
            return new TransformerChain<ITransformer>();
        loader = composite.Loader;
        IReadOnlyList<ITransformer> transformers = ((ITransformerChain)composite.Transformer).Transformers;
        return transformers.Count == 1 ? transformers[0] : composite.Transformer;
    }
}
