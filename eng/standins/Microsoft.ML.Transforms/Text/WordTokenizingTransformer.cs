using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Text;

[assembly: Microsoft.ML.LoadableClass(typeof(WordTokenizingTransformer), typeof(WordTokenizingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Word Tokenizer Transform", WordTokenizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Text;

public sealed class WordTokenizingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TokenizeTextTransform";
    internal const string Expected = "String or Vector of String";

    private readonly char[][] _separators;

    internal WordTokenizingTransformer(IHostEnvironment env, (string Output, string Input) column, char[] separators)
        : base(env.Register("DelimitedTokenize"), column) =>
        _separators = [separators];

    private WordTokenizingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
        _separators = new char[ColumnPairs.Length][];
        for (int i = 0; i < _separators.Length; i++)
        {
            _separators[i] = new char[ctx.Reader.ReadInt32()];
            Guard.Decoded(_separators[i].Length > 0, context: host);
            for (int j = 0; j < _separators[i].Length; j++)
                _separators[i][j] = (char)ctx.Reader.ReadUInt16();
        }
    }

    private static VersionInfo Version { get; } =
        new("WRDTOKNS", 0x00010001, 0x00010001, 0x00010001, typeof(WordTokenizingTransformer).Assembly.FullName, LoaderSignature);

    private static WordTokenizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        IHost host = env.Register("DelimitedTokenize");
        ctx.CheckAtModel(Version);
        return new WordTokenizingTransformer(host, ctx);
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
        foreach (char[] separators in _separators)
        {
            ctx.Writer.Write(separators.Length);
            foreach (char separator in separators)
                ctx.Writer.Write((short)separator);
        }
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(WordTokenizingTransformer parent, DataViewSchema inputSchema) : OneToOneMapper(parent, inputSchema)
    {
        protected override DataViewSchema.DetachedColumn[] MakeOutputs() =>
            [.. parent.ColumnPairs.Select(pair => new DataViewSchema.DetachedColumn(pair.Output, new VectorDataViewType(TextDataViewType.Instance)))];

        protected override Delegate MakeGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            DataViewSchema.Column source = SourceOf(output);
            char[] separators = parent._separators[output];
            if (source.Type is not VectorDataViewType)
            {
                ValueGetter<ReadOnlyMemory<char>> one = input.GetGetter<ReadOnlyMemory<char>>(source);
                ReadOnlyMemory<char> text = default;
                return (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> value) =>
                {
                    one(ref text);
                    Set([.. Words(text, separators)], ref value);
                });
            }
            ValueGetter<VBuffer<ReadOnlyMemory<char>>> many = input.GetGetter<VBuffer<ReadOnlyMemory<char>>>(source);
            VBuffer<ReadOnlyMemory<char>> texts = default;
            return (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> value) =>
            {
                many(ref texts);
                Set([.. texts.GetValues().ToArray().SelectMany(text => Words(text, separators))], ref value);
            });
        }

        private static IEnumerable<ReadOnlyMemory<char>> Words(ReadOnlyMemory<char> text, char[] separators) =>
            text.ToString().Split(separators).Select(word => word.Trim(' ')).Where(word => word.Length > 0).Select(word => word.AsMemory());

        private static void Set(ReadOnlyMemory<char>[] words, ref VBuffer<ReadOnlyMemory<char>> value) => new VBuffer<ReadOnlyMemory<char>>(words.Length, words).CopyTo(ref value);
    }
}
