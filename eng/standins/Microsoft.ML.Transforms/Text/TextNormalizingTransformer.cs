using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Text;

[assembly: Microsoft.ML.LoadableClass(typeof(TextNormalizingTransformer), typeof(TextNormalizingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Text Normalizer Transform", TextNormalizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Text;

public sealed class TextNormalizingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TextNormalizerTransform";
    internal const string Expected = "String or vector of String";

    private readonly TextNormalizer _normalizer;

    internal TextNormalizingTransformer(IHostEnvironment env, (string Output, string Input) column, TextNormalizer normalizer)
        : base(env.Register("TextNormalizer"), column) =>
        _normalizer = normalizer;

    private TextNormalizingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
        var mode = (TextNormalizingEstimator.CaseMode)ctx.Reader.ReadByte();
        Guard.Decoded(Enum.IsDefined(mode), context: host);
        bool keepsDiacritics = ctx.Reader.ReadBoolean();
        bool keepsPunctuation = ctx.Reader.ReadBoolean();
        _normalizer = new TextNormalizer(mode, keepsDiacritics, keepsPunctuation, ctx.Reader.ReadBoolean());
    }

    private static VersionInfo Version { get; } =
        new("TEXTNORM", 0x00010001, 0x00010001, 0x00010001, typeof(TextNormalizingTransformer).Assembly.FullName, LoaderSignature);

    private static TextNormalizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        IHost host = env.Register("TextNormalizer");
        ctx.CheckAtModel(Version);
        return new TextNormalizingTransformer(host, ctx);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        DataViewType type = inputSchema[srcCol].Type;
        if (!TextShapes.IsText(type))
            throw Fail.SchemaMismatch(nameof(inputSchema), "input", ColumnPairs[col].Input, Expected, type.ToString(), Host);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        SaveColumns(ctx);
        ctx.Writer.Write((byte)_normalizer.Case);
        ctx.Writer.Write(_normalizer.KeepsDiacritics);
        ctx.Writer.Write(_normalizer.KeepsPunctuation);
        ctx.Writer.Write(_normalizer.KeepsNumbers);
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(TextNormalizingTransformer parent, DataViewSchema inputSchema) : OneToOneMapper(parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] MakeOutputs() => [.. parent.ColumnPairs.Select((pair, i) => new DataViewSchema.DetachedColumn(
            pair.Output, SourceOf(i).Type is VectorDataViewType ? new VectorDataViewType(TextDataViewType.Instance) : SourceOf(i).Type))];

        protected override Delegate MakeGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            DataViewSchema.Column source = SourceOf(output);
            if (source.Type is not VectorDataViewType)
            {
                ValueGetter<ReadOnlyMemory<char>> one = input.GetGetter<ReadOnlyMemory<char>>(source);
                return (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) =>
                {
                    one(ref value);
                    value = parent._normalizer.Apply(value);
                });
            }
            ValueGetter<VBuffer<ReadOnlyMemory<char>>> many = input.GetGetter<VBuffer<ReadOnlyMemory<char>>>(source);
            VBuffer<ReadOnlyMemory<char>> texts = default;
            return (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> value) =>
            {
                many(ref texts);
                ReadOnlyMemory<char>[] kept = [.. texts.GetValues().ToArray().Select(parent._normalizer.Apply).Where(text => !text.IsEmpty)];
                new VBuffer<ReadOnlyMemory<char>>(kept.Length, kept).CopyTo(ref value);
            });
        }
    }
}
