namespace Microsoft.ML.Data;

/// <summary>Kinds of values by .NET type, and under the short names of the comment that describes a text file.</summary>
internal static class TextKinds
{
    private static readonly Dictionary<DataKind, string> Names = new()
    {
        [DataKind.SByte] = "I1",
        [DataKind.Byte] = "U1",
        [DataKind.Int16] = "I2",
        [DataKind.UInt16] = "U2",
        [DataKind.Int32] = "I4",
        [DataKind.UInt32] = "U4",
        [DataKind.Int64] = "I8",
        [DataKind.UInt64] = "U8",
        [DataKind.Single] = "R4",
        [DataKind.Double] = "R8",
        [DataKind.String] = "TX",
        [DataKind.Boolean] = "BL",
        [DataKind.TimeSpan] = "TS",
        [DataKind.DateTime] = "DT",
        [DataKind.DateTimeOffset] = "DZ",
    };

    /// <summary>The kind of a .NET type, or null.</summary>
    public static DataKind? OrNull(Type type)
    {
        DataKind[] found = [.. Names.Keys.Where(kind => BuiltInTypes.Of(kind).RawType == type || (kind == DataKind.String && type == typeof(string)))];
        return found.Length > 0 ? found[0] : null;
    }

    public static string NameOf(DataViewType itemType) => itemType is RowIdDataViewType ? "UG" : Names[OrNull(itemType.RawType).Value];

    /// <summary>The kind of a short or long name, or null.</summary>
    public static DataKind? Parse(string name)
    {
        foreach ((DataKind kind, string shortName) in Names)
        {
            if (shortName.Equals(name, StringComparison.OrdinalIgnoreCase))
                return kind;
        }
        return name.Equals("Num", StringComparison.OrdinalIgnoreCase) ? DataKind.Single : name.Equals("Text", StringComparison.OrdinalIgnoreCase) ? DataKind.String : null;
    }
}
