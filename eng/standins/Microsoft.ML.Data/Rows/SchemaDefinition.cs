using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>How the members of a class become columns; names, types and annotations may be changed.</summary>
public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    private SchemaDefinition()
    {
    }

    /// <summary>The column with a name, or null.</summary>
    public Column this[string columnName]
    {
        get => Find(column => column.ColumnName == columnName);
        set
        {
            Guard.NotNull(value, nameof(value));
            Guard.Argument(value.ColumnName == columnName, nameof(columnName),
                $"The column name is specified as '{value.ColumnName}' but must match the selector '{columnName}'.");
            int index = FindIndex(column => column.ColumnName == columnName);
            if (index >= 0)
                this[index] = value;
            else
                Add(value);
        }
    }

    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        var definition = new SchemaDefinition();
        foreach (MemberInfo member in MembersOf(userType, direction).Where(MemberTypes.IsColumn))
        {
            DataViewTypeAttribute[] custom = [.. member.GetCustomAttributes<DataViewTypeAttribute>()];
            Guard.Argument(custom.Length < 2, nameof(userType),
                $"Member {member.Name} cannot be marked with multiple attributes derived from {typeof(DataViewTypeAttribute)}.");
            custom.FirstOrDefault()?.Register();
            string name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            // The order of members is not defined, so a hidden column could be either.
            Guard.Argument(definition[name] is null, nameof(userType), $"Duplicate column name '{name}' detected, this is disallowed");
            definition.Add(new Column(member.Name, ColumnTypeOf(member), name));
        }
        return definition;
    }

    internal static IEnumerable<MemberInfo> MembersOf(Type userType, Direction direction)
    {
        Guard.NotNull(userType, nameof(userType));
        const BindingFlags Visible = BindingFlags.Public | BindingFlags.Instance;
        bool reads = (direction & Direction.Read) != 0;
        bool writes = (direction & Direction.Write) != 0;
        IEnumerable<MemberInfo> properties = userType.GetProperties(Visible)
            .Where(property => property.GetIndexParameters().Length == 0)
            .Where(property => (reads && property.GetGetMethod() is not null) || (writes && property.GetSetMethod() is not null));
        return userType.GetFields(Visible).Concat(properties);
    }

    private static DataViewType ColumnTypeOf(MemberInfo member)
    {
        (Type item, bool isVector) = MemberTypes.UnfoldKnown(member);
        if (DataViewTypeManager.OrNull(item, member.GetCustomAttributes()) is DataViewType custom)
            return custom;
        PrimitiveDataViewType itemType = BuiltInTypes.Of(item);
        if (member.GetCustomAttribute<KeyTypeAttribute>() is KeyTypeAttribute key)
        {
            Guard.Argument(KeyDataViewType.IsValidDataType(item), "userType",
                $"Member {member.Name} marked with KeyType attribute, but does not appear to be a valid kind of data for a key type");
            itemType = new KeyDataViewType(item, key.KeyCount.Count.GetValueOrDefault());
        }
        var vector = member.GetCustomAttribute<VectorTypeAttribute>();
        Guard.Argument(vector is null || isVector, "userType",
            $"Member {member.Name} marked with VectorTypeAttribute, but does not appear to be a vector type");
        if (!isVector)
            return itemType;
        return vector is null || vector.Dimensions.Length == 0 ? new VectorDataViewType(itemType) : new VectorDataViewType(itemType, vector.Dimensions);
    }

    /// <summary>Whether members are read from, written to, or both.</summary>
    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write,
    }

    /// <summary>One member as a column.</summary>
    public sealed class Column
    {
        private readonly Dictionary<string, (DataViewType Type, Delegate Getter)> _annotations = [];

        internal Column(string memberName, DataViewType columnType, string columnName = null)
        {
            Guard.NotEmpty(memberName, nameof(memberName));
            MemberName = memberName;
            ColumnName = columnName ?? memberName;
            ColumnType = columnType;
        }

        public string MemberName { get; }

        public string ColumnName { get; set; }

        public DataViewType ColumnType { get; set; }

        public DataViewSchema.Annotations Annotations
        {
            get
            {
                var builder = new DataViewSchema.Annotations.Builder();
                foreach ((string kind, (DataViewType type, Delegate getter)) in _annotations)
                    builder.Add(kind, type, getter ?? throw Fail.Marked(new NotImplementedException($"Type '{type.RawType.FullName}' is not yet supported.")));
                return builder.ToAnnotations();
            }
        }

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            Guard.NotNull(kind, nameof(kind));
            Guard.NotNull(annotationType, nameof(annotationType));
            Guard.That(!_annotations.ContainsKey(kind), "Column already contains an annotation of this kind.");
            _annotations[kind] = (annotationType, AnnotationValues.GetterOrNull(value, annotationType));
        }

        internal void SetAnnotation(string kind, DataViewType type, Delegate getter) => _annotations[kind] = (type, getter);
    }
}
