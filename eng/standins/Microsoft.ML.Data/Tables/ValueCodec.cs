using System.Text;

namespace Microsoft.ML.Data;

/// <summary>How ML.NET's binary tables encode the values of one column type.</summary>
internal abstract class ValueCodec(DataViewType type, string name)
{
    public DataViewType Type { get; } = type;

    /// <summary>The name under which files know the codec.</summary>
    public string Name { get; } = name;

    /// <summary>The codec of a type, or null when its values cannot be written.</summary>
    public static ValueCodec OrNull(DataViewType type)
    {
        switch (type)
        {
            case KeyDataViewType key:
                return (ValueCodec)Activator.CreateInstance(typeof(KeyCodec<>).MakeGenericType(key.RawType), key);
            case VectorDataViewType vector:
                ValueCodec item = OrNull(vector.ItemType);
                return item is null ? null : (ValueCodec)Activator.CreateInstance(typeof(VectorCodec<>).MakeGenericType(vector.ItemType.RawType), vector, item);
            default:
                return BuiltInTypes.OrNull(type.RawType) is PrimitiveDataViewType known && type.RawType == known.RawType ? Simple(known) : null;
        }
    }

    /// <summary>Writes name and parameters.</summary>
    public void WriteDefinition(BinaryWriter writer)
    {
        using var parameters = new MemoryStream();
        using (var inner = new BinaryWriter(parameters, Encoding.UTF8, leaveOpen: true))
            WriteParameters(inner);
        writer.Write(Name);
        writer.Write7BitEncodedInt64(parameters.Length);
        writer.Write(parameters.ToArray());
    }

    /// <summary>Reads what <see cref="WriteDefinition"/> wrote; null for a codec that is not known here.</summary>
    public static ValueCodec ReadDefinitionOrNull(BinaryReader reader)
    {
        string name = reader.ReadString();
        byte[] parameters = reader.ReadBytes((int)reader.Read7BitEncodedInt64());
        using var inner = new BinaryReader(new MemoryStream(parameters), Encoding.UTF8);
        return name switch
        {
            "VBuffer" => ReadVector(inner),
            "Key2" => ReadKey(inner),
            _ => SimpleTypes.Select(Simple).FirstOrDefault(codec => codec.Name == name),
        };
    }

    protected virtual void WriteParameters(BinaryWriter writer)
    {
    }

    private static PrimitiveDataViewType[] SimpleTypes =>
    [
        NumberDataViewType.SByte, NumberDataViewType.Byte, NumberDataViewType.Int16, NumberDataViewType.UInt16, NumberDataViewType.Int32,
        NumberDataViewType.UInt32, NumberDataViewType.Int64, NumberDataViewType.UInt64, NumberDataViewType.Single, NumberDataViewType.Double,
        TextDataViewType.Instance, BooleanDataViewType.Instance, TimeSpanDataViewType.Instance, DateTimeDataViewType.Instance,
        DateTimeOffsetDataViewType.Instance, RowIdDataViewType.Instance,
    ];

    private static ValueCodec Simple(PrimitiveDataViewType type) => type switch
    {
        TextDataViewType => new TextCodec(),
        BooleanDataViewType => new BooleanCodec(),
        DateTimeDataViewType => new DateTimeCodec(),
        DateTimeOffsetDataViewType => new DateTimeOffsetCodec(),
        _ => (ValueCodec)Activator.CreateInstance(typeof(PlainCodec<>).MakeGenericType(type.RawType), type),
    };

    private static ValueCodec ReadVector(BinaryReader reader)
    {
        ValueCodec item = ReadDefinitionOrNull(reader);
        if (item is null)
            return null;
        int[] dimensions = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => reader.ReadInt32())];
        var itemType = (PrimitiveDataViewType)item.Type;
        return OrNull(dimensions.Length > 0 ? new VectorDataViewType(itemType, dimensions) : new VectorDataViewType(itemType));
    }

    private static ValueCodec ReadKey(BinaryReader reader)
    {
        ValueCodec item = ReadDefinitionOrNull(reader);
        return item is null ? null : OrNull(new KeyDataViewType(item.Type.RawType, reader.ReadUInt64()));
    }
}

/// <summary>How values of one .NET type are encoded, a block of rows at a time.</summary>
internal abstract class ValueCodec<T>(DataViewType type, string name) : ValueCodec(type, name)
{
    public abstract void WriteBlock(BinaryWriter writer, IReadOnlyList<T> values);

    public abstract T[] ReadBlock(BinaryReader reader, int count);
}
