using System.Globalization;
using System.Text;

namespace Microsoft.Data.Analysis;

public partial class DataFrame
{
    public DataFrame(IEnumerable<DataFrameColumn> columns)
    {
        Columns = new DataFrameColumnCollection(columns, OnColumnsChanged);
        Rows = new DataFrameRowCollection(this);
    }

    public DataFrame(params DataFrameColumn[] columns)
        : this((IEnumerable<DataFrameColumn>)columns)
    {
    }

    public DataFrameColumnCollection Columns { get; }

    public DataFrameRowCollection Rows { get; }

    public object this[long rowIndex, int columnIndex] { get => Columns[columnIndex][rowIndex]; set => Columns[columnIndex][rowIndex] = value; }

    public DataFrameColumn this[string columnName] { get => Columns[columnName]; set => Columns[columnName] = value; }

    public DataFrame this[PrimitiveDataFrameColumn<bool> rowFilter] => Filter(rowFilter);

    public DataFrame this[PrimitiveDataFrameColumn<int> rowIndices] => Filter(rowIndices);

    public DataFrame this[PrimitiveDataFrameColumn<long> rowIndices] => Filter(rowIndices);

    public DataFrame this[IEnumerable<bool> rowFilter] => Filter(new PrimitiveDataFrameColumn<bool>("Filter", rowFilter));

    public DataFrame this[IEnumerable<int> rowIndices] => Filter(new PrimitiveDataFrameColumn<int>("Indices", rowIndices));

    public DataFrame this[IEnumerable<long> rowIndices] => Filter(new PrimitiveDataFrameColumn<long>("Indices", rowIndices));

    public DataFrame Clone() => new(Columns.Select(column => column.Clone()));

    public DataFrame Filter(PrimitiveDataFrameColumn<bool> filter) => Mapped(filter);

    public DataFrame Filter(PrimitiveDataFrameColumn<int> rowIndices) => Mapped(rowIndices);

    public DataFrame Filter(PrimitiveDataFrameColumn<long> rowIndices) => Mapped(rowIndices);

    public DataFrame Head(int numberOfRows) => this[Enumerable.Range(0, (int)Math.Min(numberOfRows, Rows.Count))];

    public DataFrame Tail(int numberOfRows)
    {
        int count = (int)Math.Min(numberOfRows, Rows.Count);
        return this[Enumerable.Range((int)Rows.Count - count, count)];
    }

    public DataFrame OrderBy(string columnName, bool ascending = true, bool putNullValuesLast = true) =>
        Mapped(Columns[columnName].GetSortIndices(ascending, putNullValuesLast));

    public DataFrame OrderByDescending(string columnName, bool putNullValuesLast = true) => OrderBy(columnName, false, putNullValuesLast);

    public DataFrame Append(IEnumerable<DataFrameRow> rows, bool inPlace = false, CultureInfo cultureInfo = null)
    {
        DataFrame target = inPlace ? this : Clone();
        foreach (DataFrameRow row in rows)
            target.Append(row.GetValues(), inPlace: true, cultureInfo);
        return target;
    }

    public DataFrame Append(IEnumerable<object> row = null, bool inPlace = false, CultureInfo cultureInfo = null)
    {
        object[] cells = [.. row ?? []];
        if (cells.Length > Columns.Count)
            throw new ArgumentException($"Expected values to have {Columns.Count} columns, got {cells.Length}", nameof(row));
        DataFrame target = inPlace ? this : Clone();
        object[] converted = [.. target.Columns.Select((column, i) => i < cells.Length ? Converted(cells[i], column.DataType, cultureInfo) : null)];
        target.AddRow(converted);
        return target;
    }

    public DataFrame Append(IEnumerable<KeyValuePair<string, object>> row, bool inPlace = false, CultureInfo cultureInfo = null)
    {
        Dictionary<string, object> cells = new(row);
        DataFrame target = inPlace ? this : Clone();
        if (cells.Keys.FirstOrDefault(name => target.Columns.IndexOf(name) < 0) is { } unknown)
            throw new ArgumentException($"Column '{unknown}' does not exist", nameof(row));
        target.AddRow([.. target.Columns.Select(column => Converted(cells.GetValueOrDefault(column.Name), column.DataType, cultureInfo))]);
        return target;
    }

    public override string ToString() => ToString(Rows.Count);

    public string ToString(long rowsToShow)
    {
        var text = new StringBuilder();
        int width = Math.Max(10, Columns.Select(column => column.Name.Length + 1).DefaultIfEmpty(0).Max());
        foreach (DataFrameColumn column in Columns)
            text.Append(column.Name.PadRight(width));
        text.AppendLine();
        long shown = Math.Min(Rows.Count, rowsToShow);
        for (long row = 0; row < shown; row++)
        {
            foreach (object cell in Rows[row])
                text.Append((cell ?? "null").ToString().PadRight(width));
            text.AppendLine();
        }
        if (shown < Rows.Count)
            text.AppendLine($"Showing {rowsToShow} of {Rows.Count} rows");
        return text.ToString();
    }

    private static object Converted(object cell, Type type, CultureInfo culture) => cell switch
    {
        null => null,
        string { Length: 0 } when type != typeof(string) => null,
        _ when type.IsInstanceOfType(cell) => cell,
        _ => Convert.ChangeType(cell, type, culture ?? CultureInfo.CurrentCulture),
    };

    private void AddRow(object[] cells)
    {
        for (int i = 0; i < cells.Length; i++)
        {
            Columns[i].Resize(Columns[i].Length + 1);
            Columns[i][Columns[i].Length - 1] = cells[i];
        }
        Columns.RowCount++;
    }

    private DataFrame Mapped(DataFrameColumn map) => new(Columns.Select(column => column.Clone(map)));
}
