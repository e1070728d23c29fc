using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass("Converts input values (words, numbers, etc.) to index in a dictionary.", typeof(ValueToKeyMappingTransformer), typeof(ValueToKeyMappingTransformer), null,
    typeof(Microsoft.ML.SignatureLoadModel), "Term Transform", ValueToKeyMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Replaces values by their keys; a value that was not learned gets the missing key.</summary>
public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TermTransform";

    private const string VocabularyFolder = "Vocabulary";

    private readonly Vocabulary[] _vocabularies;
    private readonly bool[] _annotatesAsText;

    internal ValueToKeyMappingTransformer(IHostEnvironment env, IDataView input, (string Output, string Input)[] columns, KeyedColumnOptions options, IDataView keyData)
        : base(env.Register("Term"), columns)
    {
        Guard.NotNull(input, nameof(input), Host);
        using IChannel channel = Host.Start("Training");
        DataViewSchema.Column[] sources = [.. columns.Select(column => SourceIn(input.Schema, column.Input))];
        _vocabularies = keyData is null
            ? new VocabularyTrainer(channel, options).Learn(input, sources, [.. columns.Select(column => column.Output)])
            : new VocabularyTrainer(channel, options).Given(keyData, sources);
        _annotatesAsText = [.. columns.Select(_ => options.AnnotatesAsText)];
    }

    private ValueToKeyMappingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
        _annotatesAsText = new bool[ColumnPairs.Length];
        for (int i = 0; i < _annotatesAsText.Length; i++)
            _annotatesAsText[i] = ctx.Reader.ReadBoolean();
        Vocabulary[] loaded = null;
        bool isThere = ctx.TryProcessSubModel(VocabularyFolder, inner =>
        {
            inner.CheckAtModel(VocabularyVersion);
            Guard.Decoded(inner.Reader.ReadInt32() == ColumnPairs.Length, context: host);
            loaded = [.. ColumnPairs.Select(_ => Vocabulary.Load(inner))];
        });
        _vocabularies = loaded;
        Guard.Decoded(isThere, $"Missing {VocabularyFolder} model", host);
    }

    private static VersionInfo Version { get; } =
        new("TERMTRNF", 0x00010003, 0x00010003, 0x00010003, typeof(ValueToKeyMappingTransformer).Assembly.FullName, LoaderSignature);

    private static VersionInfo VocabularyVersion { get; } =
        new("TERM MAN", 0x00010002, 0x00010002, 0x00010002, typeof(ValueToKeyMappingTransformer).Assembly.FullName, "TermManager");

    private static ValueToKeyMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        IHost host = env.Register("Term");
        ctx.CheckAtModel(Version);
        return new ValueToKeyMappingTransformer(host, ctx);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        SaveColumns(ctx);
        foreach (bool asText in _annotatesAsText)
            ctx.Writer.Write(asText);
        ctx.SaveSubModel(VocabularyFolder, inner =>
        {
            inner.CheckAtModel();
            inner.SetVersionInfo(VocabularyVersion);
            inner.Writer.Write(_vocabularies.Length);
            foreach (Vocabulary vocabulary in _vocabularies)
                vocabulary.Save(inner);
            inner.SaveTextStream("Terms.txt", writer =>
            {
                foreach (Vocabulary vocabulary in _vocabularies)
                    vocabulary.WriteText(writer);
            });
        });
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private DataViewSchema.Column SourceIn(DataViewSchema schema, string name)
    {
        DataViewSchema.Column source = schema.GetColumnOrNull(name) ?? throw Fail.MissingColumn("inputSchema", "input", name, Host);
        DataViewType item = BuiltInTypes.ItemTypeOf(source.Type);
        if (item is not KeyDataViewType && !item.Equals(BuiltInTypes.OrNull(item.RawType)))
            throw Fail.SchemaMismatch("inputSchema", "input", name, "standard type or a vector of standard type", source.Type.ToString(), Host);
        return source;
    }

    private sealed class Mapper : OneToOneMapper
    {
        private readonly ValueToKeyMappingTransformer _parent;

        public Mapper(ValueToKeyMappingTransformer parent, DataViewSchema inputSchema)
            : base(parent, inputSchema)
        {
            _parent = parent;
            for (int i = 0; i < parent._vocabularies.Length; i++)
            {
                PrimitiveDataViewType learned = parent._vocabularies[i].ItemType;
                DataViewType given = BuiltInTypes.ItemTypeOf(parent.SourceIn(inputSchema, parent.ColumnPairs[i].Input).Type);
                Guard.That(given.Equals(learned), $"Could not apply a map over type '{learned}' to column '{parent.ColumnPairs[i].Output}' since it has type '{given}'", parent.Host);
            }
        }

        protected override DataViewSchema.DetachedColumn[] MakeOutputs() => [.. _parent._vocabularies.Select(MakeOutput)];

        protected override Delegate MakeGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            return _parent._vocabularies[output].MakeGetter(input, SourceOf(output));
        }

        private DataViewSchema.DetachedColumn MakeOutput(Vocabulary vocabulary, int output)
        {
            DataViewSchema.Column source = SourceOf(output);
            DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(vocabulary.KeyType, vector.Dimensions) : vocabulary.KeyType;
            var annotations = new DataViewSchema.Annotations.Builder();
            vocabulary.AddKeyValues(annotations, source, _parent._annotatesAsText[output]);
            annotations.Add(source.Annotations, kind => kind == AnnotationKinds.SlotNames);
            return new DataViewSchema.DetachedColumn(_parent.ColumnPairs[output].Output, type, annotations.ToAnnotations());
        }
    }
}
