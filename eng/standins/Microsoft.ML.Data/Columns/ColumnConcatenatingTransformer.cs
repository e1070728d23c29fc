using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: Microsoft.ML.LoadableClass(typeof(ColumnConcatenatingTransformer), typeof(ColumnConcatenatingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Concat Transform", ColumnConcatenatingTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

/// <summary>Joins columns of one item type into vectors.</summary>
public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase
{
    internal const string LoaderSignature = "ConcatTransform";

    private readonly Join[] _joins;

    internal ColumnConcatenatingTransformer(IHostEnvironment env, string outputColumnName, params string[] inputColumnNames)
        : base(env.Register(nameof(ColumnConcatenatingTransformer))) =>
        _joins = [new Join(outputColumnName, [.. inputColumnNames.Select(name => (name, (string)null))])];

    private ColumnConcatenatingTransformer(IHost host, ModelLoadContext ctx)
        : base(host)
    {
        ctx.CheckAtModel(Version);
        int count = ctx.Reader.ReadInt32();
        Guard.Decoded(count > 0, context: Host);
        _joins = new Join[count];
        for (int i = 0; i < count; i++)
        {
            string output = ctx.LoadNonEmptyString();
            var sources = new (string, string)[ctx.Reader.ReadInt32()];
            Guard.Decoded(sources.Length > 0, context: Host);
            for (int j = 0; j < sources.Length; j++)
            {
                string name = ctx.LoadNonEmptyString();
                sources[j] = (name, ctx.LoadStringOrNull());
            }
            _joins[i] = new Join(output, sources);
        }
    }

    private static VersionInfo Version { get; } =
        new("CONCAT F", 0x00010003, 0x00010003, 0x00010003, typeof(ColumnConcatenatingTransformer).Assembly.FullName, LoaderSignature, "ConcatFunction");

    private static ColumnConcatenatingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        new(env.Register(nameof(ColumnConcatenatingTransformer)), ctx);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        ctx.Writer.Write(_joins.Length);
        foreach (Join join in _joins)
        {
            ctx.SaveNonEmptyString(join.Output);
            ctx.Writer.Write(join.Sources.Length);
            foreach ((string name, string alias) in join.Sources)
            {
                ctx.SaveNonEmptyString(name);
                ctx.SaveStringOrNull(alias);
            }
        }
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(schema, [.. _joins.Select(join => new BoundJoin(Host, join, schema))]);

    private sealed class Mapper(DataViewSchema inputSchema, BoundJoin[] joins) : RowMapper(inputSchema)
    {
        public override IEnumerable<int> InputsOf(Func<int, bool> isActiveOutput) =>
            joins.Where((_, output) => isActiveOutput(output)).SelectMany(join => join.Sources).Select(source => source.Index);

        protected override DataViewSchema.DetachedColumn[] MakeOutputs() => [.. joins.Select(join => join.ToColumn())];

        protected override Delegate MakeGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            return joins[output].MakeGetter(input);
        }
    }
}

/// <summary>What is joined. An alias stands for the column's name in the names of the slots.</summary>
internal sealed record Join(string Output, (string Name, string Alias)[] Sources);
