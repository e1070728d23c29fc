using System.Collections;
using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>What is known of a schema before the data is seen.</summary>
public sealed class SchemaShape : IReadOnlyList<SchemaShape.Column>
{
    private static readonly SchemaShape Empty = new([]);

    private readonly Column[] _columns;

    public SchemaShape(IEnumerable<Column> columns)
    {
        Guard.NotNull(columns, nameof(columns));
        _columns = [.. columns];
        Guard.Argument(_columns.All(column => column.IsValid), nameof(columns), "Some items are not initialized properly.");
    }

    public int Count => _columns.Length;

    public Column this[int index] => _columns[index];

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The shape of the visible columns of a schema.</summary>
    internal static SchemaShape Create(DataViewSchema schema)
    {
        Guard.NotNull(schema, nameof(schema));
        return new SchemaShape(schema.Where(column => !column.IsHidden).Select(column => Column.Of(column.Name, column.Type, OfAnnotations(column.Annotations))));
    }

    internal static SchemaShape OfAnnotations(DataViewSchema.Annotations annotations) =>
        annotations is null || annotations.Schema.Count == 0
            ? Empty
            : new SchemaShape(annotations.Schema.Select(annotation => Column.Of(annotation.Name, annotation.Type, null)));

    internal bool TryFindColumn(string name, out Column column)
    {
        Guard.NotNull(name, nameof(name));
        int index = Array.FindIndex(_columns, candidate => candidate.Name == name);
        column = index < 0 ? default : _columns[index];
        return index >= 0;
    }

    /// <summary>One column of a shape.</summary>
    public struct Column
    {
        public readonly string Name;
        public readonly VectorKind Kind;
        public readonly DataViewType ItemType;
        public readonly bool IsKey;
        public readonly SchemaShape Annotations;

        internal Column(string name, VectorKind vecKind, DataViewType itemType, bool isKey, SchemaShape annotations = null)
        {
            Guard.NotEmpty(name, nameof(name));
            Guard.Argument(itemType is not KeyDataViewType, nameof(itemType), "Item type cannot be a key");
            Guard.Argument(itemType is not VectorDataViewType, nameof(itemType), "Item type cannot be a vector");
            Guard.Argument(!isKey || KeyDataViewType.IsValidDataType(itemType.RawType), nameof(itemType), "The item type must be valid for a key");
            Name = name;
            Kind = vecKind;
            ItemType = itemType;
            IsKey = isKey;
            Annotations = annotations ?? Empty;
        }

        internal readonly bool IsValid => Name is not null;

        internal static Column Of(string name, DataViewType type, SchemaShape annotations)
        {
            var vector = type as VectorDataViewType;
            VectorKind kind = vector is null ? VectorKind.Scalar : vector.IsKnownSize ? VectorKind.Vector : VectorKind.VariableVector;
            DataViewType item = vector?.ItemType ?? type;
            bool isKey = item is KeyDataViewType;
            return new Column(name, kind, isKey ? BuiltInTypes.Of(item.RawType) : item, isKey, annotations);
        }

        /// <summary>True when <paramref name="source"/> can stand where this column is required.</summary>
        internal readonly bool IsCompatibleWith(Column source)
        {
            Guard.That(source.IsValid, nameof(source));
            return Name == source.Name
                && Kind == source.Kind
                && ItemType.Equals(source.ItemType)
                && IsKey == source.IsKey
                && Annotations.All(needed => source.Annotations.TryFindColumn(needed.Name, out Column present) && needed.IsCompatibleWith(present));
        }

        internal readonly string GetTypeString()
        {
            string item = IsKey ? $"Key<{ItemType}>" : $"{ItemType}";
            return Kind switch
            {
                VectorKind.Vector => $"Vector<{item}>",
                VectorKind.VariableVector => $"VarVector<{item}>",
                _ => item,
            };
        }

        /// <summary>One value, a vector of known size, or a vector whose size varies.</summary>
        public enum VectorKind
        {
            Scalar,
            Vector,
            VariableVector,
        }
    }
}
