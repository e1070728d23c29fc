namespace Microsoft.ML.Data;

/// <summary>Reads one column of a view.</summary>
public static class ColumnCursorExtensions
{
    public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName) => GetColumn<T>(data, data.Schema[columnName]);

    public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
    {
        Guard.NotNull(data, nameof(data));
        Guard.NotEmpty(column.Name, nameof(column));
        DataViewSchema.Column own = data.Schema[column.Index];
        Guard.Argument(own.Name == column.Name && own.Type == column.Type, nameof(column),
            $"column with name {column.Name}, type {column.Type}, and index {column.Index} cannot be found in data");
        if (column.Type.RawType == typeof(T))
            return Read<T, T>(data, own, value => value);
        if (typeof(T) == typeof(string) && column.Type is TextDataViewType)
            return (IEnumerable<T>)(object)Read<ReadOnlyMemory<char>, string>(data, own, text => text.ToString());
        if (typeof(T).IsArray)
        {
            Guard.Argument(column.Type is VectorDataViewType, nameof(column),
                $"Cannot load vector type, {column.Type}, specified in column to the user-defined type, {typeof(T)}.");
            PrimitiveDataViewType item = ((VectorDataViewType)column.Type).ItemType;
            if (typeof(T) == typeof(string[]) && item is TextDataViewType)
                return (IEnumerable<T>)(object)Read<VBuffer<ReadOnlyMemory<char>>, string[]>(data, own, Texts);
            if (typeof(T).GetElementType() == item.RawType)
                return (IEnumerable<T>)Getters.Call(typeof(ColumnCursorExtensions).GetMethod(nameof(Arrays), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static), null, item.RawType, data, own);
        }
        throw Fail.Argument(nameof(column), $"Cannot map column (name: {column.Name}, type: {column.Type}) in data to the user-defined type, {typeof(T)}.");
    }

    // Text that is absent from a sparse vector stays null, as in the real one.
    private static string[] Texts(VBuffer<ReadOnlyMemory<char>> value)
    {
        var texts = new string[value.Length];
        foreach ((int index, ReadOnlyMemory<char> text) in value.Items())
            texts[index] = text.ToString();
        return texts;
    }

    private static IEnumerable<TItem[]> Arrays<TItem>(IDataView data, DataViewSchema.Column column) =>
        Read<VBuffer<TItem>, TItem[]>(data, column, value => [.. value.DenseValues()]);

    private static IEnumerable<TResult> Read<TValue, TResult>(IDataView data, DataViewSchema.Column column, Func<TValue, TResult> convert)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([column]);
        ValueGetter<TValue> getter = cursor.GetGetter<TValue>(column);
        TValue value = default;
        while (cursor.MoveNext())
        {
            getter(ref value);
            yield return convert(value);
        }
    }
}
