using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: Microsoft.ML.LoadableClass(typeof(KeyToValueMappingTransformer), typeof(KeyToValueMappingTransformer), null, typeof(Microsoft.ML.SignatureLoadModel),
    "Key To Value Transform", KeyToValueMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

/// <summary>Replaces keys by the values that annotate their column; the missing key becomes the missing or default value.</summary>
public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "KeyToValueTransform";

    internal KeyToValueMappingTransformer(IHostEnvironment env, (string Output, string Input)[] columns)
        : base(env.Register(nameof(KeyToValueMappingTransformer)), columns)
    {
    }

    private KeyToValueMappingTransformer(IHost host, ModelLoadContext ctx)
        : base(host, ctx)
    {
    }

    private static VersionInfo Version { get; } =
        new("KEY2VALT", 0x00010001, 0x00010001, 0x00010001, typeof(KeyToValueMappingTransformer).Assembly.FullName, LoaderSignature);

    private static KeyToValueMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        IHost host = env.Register(nameof(KeyToValueMappingTransformer));
        ctx.CheckAtModel(Version);
        return new KeyToValueMappingTransformer(host, ctx);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        SaveColumns(ctx);
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper : OneToOneMapper
    {
        private static readonly MethodInfo OpenGetter = typeof(Mapper).GetMethod(nameof(ValueGetterOf), BindingFlags.NonPublic | BindingFlags.Static);

        private readonly KeyToValueMappingTransformer _parent;
        private readonly PrimitiveDataViewType[] _valueTypes;

        public Mapper(KeyToValueMappingTransformer parent, DataViewSchema inputSchema)
            : base(parent, inputSchema)
        {
            _parent = parent;
            _valueTypes = [.. parent.ColumnPairs.Select((_, i) => ValueTypeOf(SourceOf(i)))];
        }

        protected override DataViewSchema.DetachedColumn[] MakeOutputs() => [.. _valueTypes.Select(MakeOutput)];

        protected override Delegate MakeGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            DataViewType key = BuiltInTypes.ItemTypeOf(SourceOf(output).Type);
            return (Delegate)OpenGetter.MakeGenericMethod(key.RawType, _valueTypes[output].RawType).Invoke(null, [input, SourceOf(output)]);
        }

        private static Delegate ValueGetterOf<TKey, TValue>(DataViewRow row, DataViewSchema.Column column)
        {
            var annotation = default(VBuffer<TValue>);
            column.GetKeyValues(ref annotation);
            TValue[] values = [.. annotation.DenseValues()];
            TValue missing = default(TValue) switch
            {
                float => (TValue)(object)float.NaN,
                double => (TValue)(object)double.NaN,
                TValue other => other,
            };
            TValue ValueOf(TKey key)
            {
                ulong place = Convert.ToUInt64(key) - 1;
                return place < (ulong)values.Length ? values[place] : missing;
            }

            if (column.Type is not VectorDataViewType)
            {
                ValueGetter<TKey> one = row.GetGetter<TKey>(column);
                TKey key = default;
                return (ValueGetter<TValue>)((ref TValue value) =>
                {
                    one(ref key);
                    value = ValueOf(key);
                });
            }
            ValueGetter<VBuffer<TKey>> many = row.GetGetter<VBuffer<TKey>>(column);
            bool keepsSparse = missing is not (float or double);
            VBuffer<TKey> keys = default;
            return (ValueGetter<VBuffer<TValue>>)((ref VBuffer<TValue> result) =>
            {
                many(ref keys);
                TValue[] all = [.. keys.DenseValues().Select(ValueOf)];
                if (!keys.IsDense && keepsSparse)
                    SparseVectors.Set(ref result, all);
                else
                    new VBuffer<TValue>(all.Length, all).CopyTo(ref result);
            });
        }

        private PrimitiveDataViewType ValueTypeOf(DataViewSchema.Column source)
        {
            DataViewType values = source.Annotations.Schema.GetColumnOrNull(AnnotationKinds.KeyValues)?.Type;
            Guard.That(values is not null, "Metadata KeyValues does not exist", _parent.Host);
            ulong count = BuiltInTypes.ItemTypeOf(source.Type) is KeyDataViewType key ? key.Count : 0;
            Guard.That(values is VectorDataViewType vector && (ulong)vector.Size == count, "KeyValues metadata size does not match column type key count", _parent.Host);
            return ((VectorDataViewType)values).ItemType;
        }

        private DataViewSchema.DetachedColumn MakeOutput(PrimitiveDataViewType valueType, int output)
        {
            DataViewSchema.Column source = SourceOf(output);
            DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(valueType, vector.Dimensions) : valueType;
            var annotations = new DataViewSchema.Annotations.Builder();
            annotations.Add(source.Annotations, kind => kind == AnnotationKinds.SlotNames);
            return new DataViewSchema.DetachedColumn(_parent.ColumnPairs[output].Output, type, annotations.ToAnnotations());
        }
    }
}
