using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Getters that read the members of the current row object.</summary>
internal static class RowGetters
{
    private const BindingFlags Own = BindingFlags.NonPublic | BindingFlags.Static;

    /// <summary>A <see cref="ValueGetter{TValue}"/> of the column's raw type over the object that <paramref name="current"/> gives.</summary>
    public static Delegate Make<TRow>(RowColumn column, Func<TRow> current)
    {
        if (column.MemberType == typeof(string))
            return Text(column, current);
        if (column.MemberType == typeof(string[]))
            return Texts(column, current);
        (string method, Type item) = column switch
        {
            { MemberType.IsArray: true } => (nameof(Values), column.MemberType.GetElementType()),
            { Type: VectorDataViewType vector } => (nameof(Buffer), vector.ItemType.RawType),
            { Type: KeyDataViewType key } => (nameof(Key), key.RawType),
            _ => (nameof(Value), column.MemberType),
        };
        MethodInfo open = typeof(RowGetters).GetMethod(method, Own);
        return (Delegate)open.MakeGenericMethod(typeof(TRow), item).Invoke(null, BindingFlags.DoNotWrapExceptions, null, [column, current], null);
    }

    private static ValueGetter<ReadOnlyMemory<char>> Text<TRow>(RowColumn column, Func<TRow> current)
    {
        Func<TRow, string> read = Members.Reader<TRow, string>(column.Member);
        // A null string is empty text.
        return (ref ReadOnlyMemory<char> value) => value = read(current()).AsMemory();
    }

    private static ValueGetter<VBuffer<ReadOnlyMemory<char>>> Texts<TRow>(RowColumn column, Func<TRow> current)
    {
        Func<TRow, string[]> read = Members.Reader<TRow, string[]>(column.Member);
        return (ref VBuffer<ReadOnlyMemory<char>> value) =>
        {
            string[] texts = read(current()) ?? [];
            VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, texts.Length);
            for (int i = 0; i < texts.Length; i++)
                editor.Values[i] = texts[i].AsMemory();
            value = editor.Commit();
        };
    }

    private static ValueGetter<VBuffer<TItem>> Values<TRow, TItem>(RowColumn column, Func<TRow> current)
    {
        Func<TRow, TItem[]> read = Members.Reader<TRow, TItem[]>(column.Member);
        return (ref VBuffer<TItem> value) =>
        {
            TItem[] items = read(current()) ?? [];
            VBufferEditor<TItem> editor = VBufferEditor.Create(ref value, items.Length);
            items.CopyTo(editor.Values);
            value = editor.Commit();
        };
    }

    private static ValueGetter<VBuffer<TItem>> Buffer<TRow, TItem>(RowColumn column, Func<TRow> current)
    {
        Func<TRow, VBuffer<TItem>> read = Members.Reader<TRow, VBuffer<TItem>>(column.Member);
        return (ref VBuffer<TItem> value) => read(current()).CopyTo(ref value);
    }

    private static ValueGetter<TValue> Value<TRow, TValue>(RowColumn column, Func<TRow> current)
    {
        Func<TRow, TValue> read = Members.Reader<TRow, TValue>(column.Member);
        return (ref TValue value) => value = read(current());
    }

    /// <summary>Members count keys from 0, columns from 1; a number that is no key becomes the missing key.</summary>
    private static ValueGetter<TKey> Key<TRow, TKey>(RowColumn column, Func<TRow> current)
    {
        Func<TRow, TKey> read = Members.Reader<TRow, TKey>(column.Member);
        ulong last = ((KeyDataViewType)column.Type).Count - 1;
        return (ref TKey value) =>
        {
            ulong key = Convert.ToUInt64(read(current()));
            value = (TKey)Convert.ChangeType(key <= last ? key + 1 : 0, typeof(TKey));
        };
    }
}
