using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass("Converts a column to a different type, using standard conversions.", typeof(TypeConvertingTransformer), typeof(TypeConvertingTransformer), null,
    typeof(Microsoft.ML.SignatureLoadModel), "Convert Transform", TypeConvertingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Adds columns in another item type.</summary>
public sealed class TypeConvertingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ConvertTransform";

    private const byte HasKeyCount = 0x80;

    internal readonly ConvertedColumn[] Columns;

    internal TypeConvertingTransformer(IHostEnvironment env, ConvertedColumn[] columns)
        : base(env.Register(nameof(TypeConvertingTransformer)), [.. columns.Select(column => (column.Output, column.Input))])
    {
        Guard.NotEmpty(columns, nameof(columns), Host);
        Columns = columns;
    }

    private TypeConvertingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
        Columns = new ConvertedColumn[ColumnPairs.Length];
        for (int i = 0; i < Columns.Length; i++)
        {
            byte code = ctx.Reader.ReadByte();
            var kind = (DataKind)(code & ~HasKeyCount);
            Guard.Decoded(Enum.IsDefined(kind), context: host);
            ulong? keyCount = (code & HasKeyCount) != 0 ? ctx.Reader.ReadUInt64() : null;
            Columns[i] = new ConvertedColumn(ColumnPairs[i].Output, ColumnPairs[i].Input, kind, keyCount);
        }
    }

    private static VersionInfo Version { get; } =
        new("CONVERTF", 0x00010004, 0x00010003, 0x00010004, typeof(TypeConvertingTransformer).Assembly.FullName, LoaderSignature, "ConvertFunction");

    private static TypeConvertingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        return new TypeConvertingTransformer(env.Register("Convert"), ctx);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        SaveColumns(ctx);
        foreach (ConvertedColumn column in Columns)
        {
            ctx.Writer.Write((byte)((byte)column.Kind | (column.KeyCount.HasValue ? HasKeyCount : 0)));
            if (column.KeyCount is ulong count)
                ctx.Writer.Write(count);
        }
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper : OneToOneMapper
    {
        private readonly TypeConvertingTransformer _parent;
        private readonly PrimitiveDataViewType[] _itemTypes;

        public Mapper(TypeConvertingTransformer parent, DataViewSchema inputSchema)
            : base(parent, inputSchema)
        {
            _parent = parent;
            _itemTypes = new PrimitiveDataViewType[parent.Columns.Length];
            for (int i = 0; i < _itemTypes.Length; i++)
            {
                DataViewType source = SourceOf(i).Type;
                bool converts = parent.Columns[i].TryTypeFor(source, out _itemTypes[i]) && Conversions.OrNull(BuiltInTypes.ItemTypeOf(source), _itemTypes[i]) is not null;
                Guard.Argument(converts, nameof(inputSchema),
                    $"source column '{parent.Columns[i].Input}' with item type '{source}' is not compatible with destination type '{_itemTypes[i]}'", parent.Host);
            }
        }

        protected override DataViewSchema.DetachedColumn[] MakeOutputs() => [.. _itemTypes.Select((_, i) => MakeOutput(i))];

        protected override Delegate MakeGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            return Conversions.MakeGetter(input, SourceOf(output), _itemTypes[output]);
        }

        private DataViewSchema.DetachedColumn MakeOutput(int output)
        {
            DataViewSchema.Column source = SourceOf(output);
            DataViewType from = BuiltInTypes.ItemTypeOf(source.Type);
            PrimitiveDataViewType to = _itemTypes[output];
            DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(to, vector.Dimensions) : to;
            var annotations = new DataViewSchema.Annotations.Builder();
            if (type is VectorDataViewType { IsKnownSize: true })
                annotations.Add(source.Annotations, kind => kind == AnnotationKinds.SlotNames);
            if (from is KeyDataViewType fromKey && to is KeyDataViewType toKey && fromKey.Count == toKey.Count)
                annotations.Add(source.Annotations, kind => kind == AnnotationKinds.KeyValues);
            if (from is NumberDataViewType && to is NumberDataViewType)
                annotations.Add(source.Annotations, kind => kind == AnnotationKinds.IsNormalized);
            if (source.Type is BooleanDataViewType && to is NumberDataViewType)
                annotations.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
            return new DataViewSchema.DetachedColumn(_parent.Columns[output].Output, type, annotations.ToAnnotations());
        }
    }
}
