using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Which columns of a schema fill which members of a class.</summary>
internal sealed class ObjectFiller<TRow>
    where TRow : class
{
    private readonly List<(RowColumn Member, DataViewSchema.Column Source)> _pairs = [];

    public ObjectFiller(DataViewSchema schema, bool ignoreMissingColumns, SchemaDefinition definition)
    {
        foreach (RowColumn column in RowLayout.Create(typeof(TRow), definition, SchemaDefinition.Direction.Write).Columns)
        {
            if (schema.GetColumnOrNull(column.Name) is not DataViewSchema.Column source)
            {
                if (ignoreMissingColumns)
                    continue;
                throw Fail.MissingColumn("Schema", "", column.Name);
            }
            (Type item, bool isVector) = MemberTypes.UnfoldKnown(column.Member);
            bool fits = isVector ? source.Type is VectorDataViewType vector && vector.ItemType.RawType == item : source.Type.RawType == item;
            Guard.That(fits, $"Can't bind the IDataView column '{column.Name}' of type '{source.Type}' " +
                $"to field or property '{column.Member.Name}' of type '{column.MemberType.FullName}'.");
            _pairs.Add((column, source));
        }
    }

    public IEnumerable<DataViewSchema.Column> Sources => _pairs.Select(pair => pair.Source);

    /// <summary>Copies the current values of a row into an object.</summary>
    public Action<TRow> Bind(DataViewRow row)
    {
        Action<TRow>[] setters = [.. _pairs.Select(pair => SetterOf(row, pair.Member, pair.Source))];
        return target =>
        {
            foreach (Action<TRow> setter in setters)
                setter(target);
        };
    }

    private static Action<TRow> SetterOf(DataViewRow row, RowColumn column, DataViewSchema.Column source)
    {
        if (column.MemberType == typeof(string))
            return Text(row, column, source);
        if (column.MemberType == typeof(string[]))
            return Texts(row, column, source);
        (string method, Type type) = column.MemberType.IsArray ? (nameof(Values), column.MemberType.GetElementType())
            : source.Type is VectorDataViewType vector ? (nameof(Buffer), vector.ItemType.RawType)
            : (nameof(Value), column.MemberType);
        MethodInfo open = typeof(ObjectFiller<TRow>).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static);
        return (Action<TRow>)Getters.Call(open, null, type, row, column, source);
    }

    private static Action<TRow> Text(DataViewRow row, RowColumn column, DataViewSchema.Column source)
    {
        ValueGetter<ReadOnlyMemory<char>> getter = row.GetGetter<ReadOnlyMemory<char>>(source);
        Action<TRow, string> write = Members.Writer<TRow, string>(column.Member);
        ReadOnlyMemory<char> value = default;
        return target =>
        {
            getter(ref value);
            write(target, value.ToString());
        };
    }

    private static Action<TRow> Texts(DataViewRow row, RowColumn column, DataViewSchema.Column source)
    {
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter = row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(source);
        Func<TRow, string[]> read = Members.CanRead(column.Member) ? Members.Reader<TRow, string[]>(column.Member) : _ => null;
        Action<TRow, string[]> write = Members.Writer<TRow, string[]>(column.Member);
        VBuffer<ReadOnlyMemory<char>> value = default;
        return target =>
        {
            getter(ref value);
            if (value.Length > 0 || read(target) is not null)
                write(target, [.. value.DenseValues().Select(text => text.ToString())]);
        };
    }

    /// <summary>An array of the right length that the object already has is filled, not replaced; no array does for no values.</summary>
    private static Action<TRow> Values<TItem>(DataViewRow row, RowColumn column, DataViewSchema.Column source)
    {
        ValueGetter<VBuffer<TItem>> getter = row.GetGetter<VBuffer<TItem>>(source);
        Func<TRow, TItem[]> read = Members.CanRead(column.Member) ? Members.Reader<TRow, TItem[]>(column.Member) : _ => null;
        Action<TRow, TItem[]> write = Members.Writer<TRow, TItem[]>(column.Member);
        VBuffer<TItem> value = default;
        return target =>
        {
            getter(ref value);
            TItem[] present = read(target);
            if (present is null && value.Length == 0)
                return;
            TItem[] items = present?.Length == value.Length ? present : new TItem[value.Length];
            value.CopyTo(items);
            write(target, items);
        };
    }

    private static Action<TRow> Buffer<TItem>(DataViewRow row, RowColumn column, DataViewSchema.Column source)
    {
        ValueGetter<VBuffer<TItem>> getter = row.GetGetter<VBuffer<TItem>>(source);
        Func<TRow, VBuffer<TItem>> read = Members.CanRead(column.Member) ? Members.Reader<TRow, VBuffer<TItem>>(column.Member) : _ => default;
        Action<TRow, VBuffer<TItem>> write = Members.Writer<TRow, VBuffer<TItem>>(column.Member);
        return target =>
        {
            VBuffer<TItem> value = read(target);
            getter(ref value);
            write(target, value);
        };
    }

    private static Action<TRow> Value<TValue>(DataViewRow row, RowColumn column, DataViewSchema.Column source)
    {
        ValueGetter<TValue> getter = row.GetGetter<TValue>(source);
        Action<TRow, TValue> write = Members.Writer<TRow, TValue>(column.Member);
        TValue value = default;
        return target =>
        {
            getter(ref value);
            write(target, value);
        };
    }
}
