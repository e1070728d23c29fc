using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>
/// Reads rows of a view with one cursor, and of its columns only those that are asked for: others may cost a model run each.
/// </summary>
internal static class RowReader
{
    /// <summary>All rows, as they come.</summary>
    /// <param name="view">Enumerated once.</param>
    /// <param name="texts">Text columns.</param>
    /// <param name="number">A column of numbers, or of true and false, which are read as 1 and 0; or null.</param>
    /// <param name="vector">A column of vectors of float, or of true and false; or null.</param>
    public static IEnumerable<TextRow> Read(
        IDataView view, IReadOnlyList<DataViewSchema.Column> texts, DataViewSchema.Column? number = null,
        DataViewSchema.Column? vector = null)
    {
        IEnumerable<DataViewSchema.Column> needed =
            texts.Concat(new[] { number, vector }.OfType<DataViewSchema.Column>());
        using DataViewRowCursor cursor = view.GetRowCursor(needed);
        ValueGetter<ReadOnlyMemory<char>>[] getters = [.. texts.Select(cursor.GetGetter<ReadOnlyMemory<char>>)];
        Func<double>? value = number is { } column ? NumberGetter(cursor, column) : null;
        Func<float[]>? numbers = vector is { } vectors ? VectorGetter(cursor, vectors) : null;
        for (long row = 0; cursor.MoveNext(); row++)
            yield return new TextRow(row, Array.ConvertAll(getters, Text), value?.Invoke()) { Vector = numbers?.Invoke() };
    }

    /// <summary>Reads numbers of any type as double.</summary>
    public static Func<double> NumberGetter(DataViewRow row, DataViewSchema.Column column) => column.Type.RawType switch
    {
        var type when type == typeof(float) => As<float>(row, column, value => value),
        var type when type == typeof(bool) => As<bool>(row, column, value => value ? 1 : 0),
        var type when type == typeof(double) => As<double>(row, column, value => value),
        var type when type == typeof(sbyte) => As<sbyte>(row, column, value => value),
        var type when type == typeof(short) => As<short>(row, column, value => value),
        var type when type == typeof(int) => As<int>(row, column, value => value),
        var type when type == typeof(long) => As<long>(row, column, value => value),
        var type when type == typeof(byte) => As<byte>(row, column, value => value),
        var type when type == typeof(ushort) => As<ushort>(row, column, value => value),
        var type when type == typeof(uint) => As<uint>(row, column, value => value),
        _ => As<ulong>(row, column, value => value),
    };

    private static string Text(ValueGetter<ReadOnlyMemory<char>> getter)
    {
        ReadOnlyMemory<char> text = default;
        getter(ref text);
        return text.ToString();
    }

    private static Func<float[]> VectorGetter(DataViewRow row, DataViewSchema.Column column)
    {
        return ((VectorDataViewType)column.Type).ItemType is BooleanDataViewType
            ? Of<bool>(flag => flag ? 1 : 0)
            : Of<float>(number => number);

        Func<float[]> Of<T>(Func<T, float> convert)
        {
            ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
            VBuffer<T> values = default;
            return () =>
            {
                getter(ref values);
                return [.. values.DenseValues().Select(convert)];
            };
        }
    }

    private static Func<double> As<T>(DataViewRow row, DataViewSchema.Column column, Func<T, double> convert)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        return () =>
        {
            T value = default!;
            getter(ref value);
            return convert(value);
        };
    }
}

/// <summary>What a stage reads of one row.</summary>
/// <param name="Number">Place of the row in the data, counted from 0; messages name it.</param>
/// <param name="Texts">The text columns, in the order in which they were asked for.</param>
/// <param name="Value">The number column; null when none was asked for.</param>
internal sealed record TextRow(long Number, string[] Texts, double? Value)
{
    /// <summary>The vector column; null when none was asked for.</summary>
    public float[]? Vector { get; init; }
}
