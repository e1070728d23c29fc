using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Columns in another item type.</summary>
public sealed class TypeConvertingEstimator : TrivialEstimator<TypeConvertingTransformer>
{
    internal TypeConvertingEstimator(IHostEnvironment env, ConvertedColumn[] columns)
        : base(env.Register(nameof(TypeConvertingEstimator)), new TypeConvertingTransformer(env, columns))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), Host);
        Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(column => column.Name);
        foreach (ConvertedColumn converted in Transformer.Columns)
        {
            if (!inputSchema.TryFindColumn(converted.Input, out SchemaShape.Column source))
                throw Fail.MissingColumn(nameof(inputSchema), "input", converted.Input, Host);
            // A shape shows the numbers of a key column, so it does not know here that keys stay keys.
            if (!converted.TryTypeFor(source.ItemType, out PrimitiveDataViewType type))
                throw Fail.Argument(nameof(inputSchema), $"Can't convert {converted.Input} into {type}", Host);
            Guard.Argument(Conversions.OrNull(source.ItemType, type) is not null, nameof(inputSchema), $"Don't know how to convert {converted.Input} into {type}", Host);
            columns[converted.Output] = new SchemaShape.Column(converted.Output, source.Kind, type, isKey: false, source.Annotations);
        }
        return new SchemaShape(columns.Values);
    }
}

/// <summary>A conversion; with a count of keys the result is a key column.</summary>
internal sealed record ConvertedColumn(string Output, string Input, DataKind Kind, ulong? KeyCount = null)
{
    /// <summary>The item type of the result; false when a source of this type cannot have it.</summary>
    public bool TryTypeFor(DataViewType source, out PrimitiveDataViewType type)
    {
        DataViewType item = BuiltInTypes.ItemTypeOf(source);
        type = BuiltInTypes.Of(Kind);
        if (KeyCount is ulong count)
        {
            type = new KeyDataViewType(type.RawType, count);
            return item is KeyDataViewType or TextDataViewType;
        }
        if (item is not KeyDataViewType key)
            return true;
        if (!KeyDataViewType.IsValidDataType(type.RawType))
            return false;
        type = new KeyDataViewType(type.RawType, Math.Min(key.Count, Conversions.LargestKey(type.RawType)));
        return true;
    }
}
