using System.Collections.ObjectModel;

namespace Microsoft.Data.Analysis;

public class DataFrameColumnCollection : Collection<DataFrameColumn>
{
    private readonly Action _changed;

    internal DataFrameColumnCollection(IEnumerable<DataFrameColumn> columns, Action columnsChanged)
    {
        _changed = columnsChanged;
        foreach (DataFrameColumn column in columns ?? [])
            Add(column);
    }

    public DataFrameColumn this[string columnName]
    {
        get => IndexOf(columnName) is >= 0 and int index ? this[index] : throw new ArgumentException($"Column '{columnName}' does not exist", nameof(columnName));
        set
        {
            value.SetName(columnName);
            int index = IndexOf(columnName);
            if (index < 0)
                Add(value);
            else
                this[index] = value;
        }
    }

    internal long RowCount { get; set; }

    public int IndexOf(string columnName)
    {
        for (int index = 0; index < Count; index++)
            if (this[index].Name == columnName)
                return index;
        return -1;
    }

    public void Insert<T>(int columnIndex, IEnumerable<T> column, string columnName)
        where T : unmanaged => Insert(columnIndex, new PrimitiveDataFrameColumn<T>(columnName, column));

    public void Remove(string columnName)
    {
        if (IndexOf(columnName) is >= 0 and int index)
            RemoveAt(index);
    }

    public void RenameColumn(string currentName, string newName)
    {
        this[currentName].SetName(newName);
        _changed();
    }

    public PrimitiveDataFrameColumn<T> GetPrimitiveColumn<T>(string name)
        where T : unmanaged => Typed<PrimitiveDataFrameColumn<T>>(name);

    public BooleanDataFrameColumn GetBooleanColumn(string name) => Typed<BooleanDataFrameColumn>(name);

    public DateTimeDataFrameColumn GetDateTimeColumn(string name) => Typed<DateTimeDataFrameColumn>(name);

    public DoubleDataFrameColumn GetDoubleColumn(string name) => Typed<DoubleDataFrameColumn>(name);

    public Int32DataFrameColumn GetInt32Column(string name) => Typed<Int32DataFrameColumn>(name);

    public Int64DataFrameColumn GetInt64Column(string name) => Typed<Int64DataFrameColumn>(name);

    public SingleDataFrameColumn GetSingleColumn(string name) => Typed<SingleDataFrameColumn>(name);

    public StringDataFrameColumn GetStringColumn(string name) => Typed<StringDataFrameColumn>(name);

    protected override void InsertItem(int columnIndex, DataFrameColumn column)
    {
        Check(column, Count > 0);
        RowCount = column.Length;
        base.InsertItem(columnIndex, column);
        _changed();
    }

    protected override void SetItem(int columnIndex, DataFrameColumn column)
    {
        Check(column, Count > 1, columnIndex);
        RowCount = column.Length;
        base.SetItem(columnIndex, column);
        _changed();
    }

    protected override void RemoveItem(int columnIndex)
    {
        base.RemoveItem(columnIndex);
        if (Count == 0)
            RowCount = 0;
        _changed();
    }

    protected override void ClearItems()
    {
        base.ClearItems();
        RowCount = 0;
        _changed();
    }

    private void Check(DataFrameColumn column, bool lengthIsFixed, int replaced = -1)
    {
        ArgumentNullException.ThrowIfNull(column);
        if (lengthIsFixed && column.Length != RowCount)
            throw new ArgumentException("Column lengths are mismatched", nameof(column));
        if (IndexOf(column.Name) is >= 0 and int same && same != replaced)
            throw new ArgumentException($"DataFrame already contains a column called {column.Name}", nameof(column));
    }

    private T Typed<T>(string name)
        where T : DataFrameColumn => this[name] as T ?? throw new ArgumentException($"Expected column '{name}' to be of type {typeof(T)}, got {this[name].GetType()}");
}
