namespace Microsoft.ML.Data;

/// <summary>Column types that users registered for their own .NET types.</summary>
public static class DataViewTypeManager
{
    private static readonly object Lock = new();
    private static readonly Dictionary<Key, DataViewType> Types = [];
    private static readonly Dictionary<DataViewType, Key> Keys = [];

    public static void Register(DataViewType dataViewType, Type type, DataViewTypeAttribute typeAttribute = null)
    {
        var key = new Key(type, typeAttribute);
        lock (Lock)
        {
            Guard.Argument(BuiltInTypes.OrNull(type) is null, nameof(type),
                $"Type {type} has been registered as ML.NET's default supported type, so it can't not be registered again.");
            bool isTypeKnown = Types.TryGetValue(key, out DataViewType presentType);
            bool isColumnTypeKnown = Keys.TryGetValue(dataViewType, out Key presentKey);
            Guard.Argument(!isTypeKnown || presentType.Equals(dataViewType), nameof(type),
                $"Repeated type register. The raw type {type} has been associated with {presentType} so it cannot be associated with {dataViewType}.");
            Guard.Argument(!isColumnTypeKnown || presentKey.Equals(key), nameof(dataViewType),
                $"Repeated type register. The DataView type {dataViewType} has been associated with {presentKey.Type} so it cannot be associated with {type}.");
            Types[key] = dataViewType;
            Keys[dataViewType] = key;
        }
    }

    [Obsolete("This API is deprecated, please use the new form of Register which takes in a single DataViewTypeAttribute instead.", false)]
    public static void Register(DataViewType dataViewType, Type type, IEnumerable<Attribute> typeAttributes)
    {
        Attribute[] attributes = typeAttributes is null ? [] : [.. typeAttributes];
        Guard.Argument(attributes.Length < 2, nameof(type), $"Type {type} has too many attributes.");
        Guard.Argument(attributes.All(attribute => attribute is DataViewTypeAttribute), nameof(type),
            $"Type {type} has an attribute that is not of DataViewTypeAttribute.");
        Register(dataViewType, type, (DataViewTypeAttribute)attributes.FirstOrDefault());
    }

    internal static bool Knows(Type type, IEnumerable<Attribute> attributes = null) => OrNull(type, attributes) is not null;

    internal static bool Knows(DataViewType type)
    {
        lock (Lock)
            return Keys.ContainsKey(type);
    }

    internal static DataViewType OrNull(Type type, IEnumerable<Attribute> attributes = null)
    {
        DataViewTypeAttribute[] own = attributes is null ? [] : [.. attributes.OfType<DataViewTypeAttribute>()];
        Guard.Argument(own.Length < 2, nameof(type), $"Type {type.Name} cannot be marked with multiple attributes derived from {typeof(DataViewTypeAttribute)}.");
        lock (Lock)
            return Types.GetValueOrDefault(new Key(type, own.FirstOrDefault()));
    }

    private readonly struct Key(Type type, DataViewTypeAttribute attribute) : IEquatable<Key>
    {
        private readonly DataViewTypeAttribute _attribute = attribute;

        public Type Type { get; } = type;

        // Attributes compare by their own Equals(DataViewTypeAttribute), not by Equals(object).
        public bool Equals(Key other) =>
            Type == other.Type && (_attribute is null ? other._attribute is null : other._attribute is not null && _attribute.Equals(other._attribute));

        public override bool Equals(object obj) => obj is Key other && Equals(other);

        public override int GetHashCode() => HashCode.Combine(Type, _attribute?.GetHashCode());
    }
}
