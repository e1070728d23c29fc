using System.Collections;

namespace Microsoft.Data.Analysis;

public class DataFrameRow : IEnumerable<object>
{
    private readonly DataFrame _frame;
    private readonly long _row;

    internal DataFrameRow(DataFrame frame, long row)
    {
        _frame = frame;
        _row = row;
    }

    public object this[int index] { get => _frame[_row, index]; set => _frame[_row, index] = value; }

    public object this[string columnName] { get => _frame.Columns[columnName][_row]; set => _frame.Columns[columnName][_row] = value; }

    public IEnumerator<object> GetEnumerator() => _frame.Columns.Select(column => column[_row]).GetEnumerator();

    public IEnumerable<KeyValuePair<string, object>> GetValues() => _frame.Columns.Select(column => KeyValuePair.Create(column.Name, column[_row]));

    public override string ToString() => string.Concat(this.Select(value => (value?.ToString() ?? "null") + " "));

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

public class DataFrameRowCollection : IEnumerable<DataFrameRow>
{
    private readonly DataFrame _frame;

    internal DataFrameRowCollection(DataFrame frame) => _frame = frame;

    public long Count => _frame.Columns.RowCount;

    public DataFrameRow this[long index] => new(_frame, index);

    public IEnumerator<DataFrameRow> GetEnumerator()
    {
        for (long row = 0; row < Count; row++)
            yield return this[row];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
