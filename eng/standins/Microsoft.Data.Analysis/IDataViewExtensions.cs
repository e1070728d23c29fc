using Microsoft.Data.Analysis;
using Microsoft.ML.Data;

namespace Microsoft.ML;

public static class IDataViewExtensions
{
    private const int DefaultMaxRows = 100;

    public static DataFrame ToDataFrame(this IDataView dataView, long maxRows = DefaultMaxRows) => ToDataFrame(dataView, maxRows, null);

    public static DataFrame ToDataFrame(this IDataView dataView, params string[] selectColumns) => ToDataFrame(dataView, DefaultMaxRows, selectColumns);

    public static DataFrame ToDataFrame(this IDataView dataView, long maxRows, params string[] selectColumns)
    {
        long limit = maxRows == -1 ? long.MaxValue : maxRows;
        DataViewSchema.Column[] active = [.. dataView.Schema.Where(column => !column.IsHidden && (selectColumns is not { Length: > 0 } || selectColumns.Contains(column.Name)))];
        DataFrameColumn[] columns = [.. active.Select(column => Empty(column.Name, column.Type))];
        using DataViewRowCursor cursor = dataView.GetRowCursor(active);
        Delegate[] getters = [.. columns.Select((column, i) => column.GetValueGetterUsingCursor(cursor, active[i]))];
        while (cursor.MoveNext() && cursor.Position < limit)
            for (int i = 0; i < columns.Length; i++)
                columns[i].AddValueUsingCursor(cursor, getters[i]);
        return new DataFrame(columns);
    }

    private static DataFrameColumn Empty(string name, DataViewType type) => type switch
    {
        TextDataViewType => new StringDataFrameColumn(name),
        VectorDataViewType vector => (DataFrameColumn)Activator.CreateInstance(typeof(VBufferDataFrameColumn<>).MakeGenericType(vector.ItemType.RawType), name, 0L),
        BooleanDataViewType => new BooleanDataFrameColumn(name),
        DateTimeDataViewType => new DateTimeDataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.Byte => new ByteDataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.SByte => new SByteDataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.Int16 => new Int16DataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.UInt16 => new UInt16DataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.Int32 => new Int32DataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.UInt32 => new UInt32DataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.Int64 => new Int64DataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.UInt64 => new UInt64DataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.Single => new SingleDataFrameColumn(name),
        NumberDataViewType when type == NumberDataViewType.Double => new DoubleDataFrameColumn(name),
        _ => throw new NotSupportedException($"{type.RawType.Name} is not a supported column type."),
    };
}
