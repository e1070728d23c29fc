using System.Collections;
using System.Text;
using Microsoft.ML;

namespace Microsoft.Data.Analysis;

public abstract class DataFrameColumn : IEnumerable
{
    protected DataFrameColumn(string name, long length, Type type)
    {
        Name = name;
        Length = length;
        DataType = type;
    }

    public long Length { get; protected set; }

    public abstract long NullCount { get; }

    public string Name { get; private set; }

    public Type DataType { get; }

    public object this[long rowIndex] { get => GetValue(rowIndex); set => SetValue(rowIndex, value); }

    public IReadOnlyList<object> this[long startIndex, int length] => GetValues(startIndex, length);

    public static StringDataFrameColumn Create(string name, IEnumerable<string> values) => new(name, values);

    public static PrimitiveDataFrameColumn<T> Create<T>(string name, IEnumerable<T> values) where T : unmanaged => new(name, values);

    public static PrimitiveDataFrameColumn<T> Create<T>(string name, IEnumerable<T?> values) where T : unmanaged => new(name, values);

    public void SetName(string newName) => Name = newName;

    public DataFrameColumn Clone(long numberOfNullsToAppend = 0) => CloneImplementation(numberOfNullsToAppend);

    public DataFrameColumn Clone(DataFrameColumn mapIndices, bool invertMapIndices = false, long numberOfNullsToAppend = 0) =>
        CloneImplementation(mapIndices, invertMapIndices, numberOfNullsToAppend);

    public virtual PrimitiveDataFrameColumn<bool> ElementwiseEquals<T>(T value) => Compare(value, order => order == 0);

    public virtual PrimitiveDataFrameColumn<bool> ElementwiseNotEquals<T>(T value) => Compare(value, order => order != 0);

    public virtual PrimitiveDataFrameColumn<bool> ElementwiseGreaterThan<T>(T value) => Compare(value, order => order > 0);

    public virtual PrimitiveDataFrameColumn<bool> ElementwiseLessThan<T>(T value) => Compare(value, order => order < 0);

    public virtual double Mean() => throw new NotImplementedException();

    public virtual double Median() => throw new NotImplementedException();

    public virtual object Max() => throw new NotImplementedException();

    public virtual object Min() => throw new NotImplementedException();

    public virtual object Sum() => throw new NotImplementedException();

    public override string ToString() => ToString(Length);

    public string ToString(long rowsToShow)
    {
        var text = new StringBuilder(Name);
        for (long row = 0; row < Math.Min(Length, rowsToShow); row++)
            text.Append(this[row] ?? "null").AppendLine();
        text.Append($"Name: {Name}, Type: {DataType}");
        return text.ToString();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumeratorCore();

    protected abstract IEnumerator GetEnumeratorCore();

    protected abstract object GetValue(long rowIndex);

    protected abstract IReadOnlyList<object> GetValues(long startIndex, int length);

    protected abstract void SetValue(long rowIndex, object value);

    protected abstract DataFrameColumn CloneImplementation(long numberOfNullsToAppend = 0);

    protected abstract DataFrameColumn CloneImplementation(DataFrameColumn mapIndices, bool invertMapIndices, long numberOfNullsToAppend);

    protected internal abstract PrimitiveDataFrameColumn<long> GetSortIndices(bool ascending, bool putNullValuesLast);

    protected internal virtual void Resize(long length) => throw new NotImplementedException();

    protected internal virtual void AddDataViewColumn(DataViewSchema.Builder builder) => throw new NotImplementedException();

    protected internal virtual Delegate GetDataViewGetter(DataViewRowCursor cursor) => throw new NotImplementedException();

    protected internal virtual Delegate GetValueGetterUsingCursor(DataViewRowCursor cursor, DataViewSchema.Column schemaColumn) => throw new NotImplementedException();

    protected internal virtual void AddValueUsingCursor(DataViewRowCursor cursor, Delegate ValueGetter) => throw new NotImplementedException();

    /// <summary>The rows a map of indices names; a null index stays null.</summary>
    internal static IEnumerable<long?> Indices(DataFrameColumn map, bool invert)
    {
        for (long i = 0; i < map.Length; i++)
            yield return map[invert ? map.Length - 1 - i : i] is { } index ? Convert.ToInt64(index) : null;
    }

    internal static PrimitiveDataFrameColumn<long> Sorted<T>(long length, Func<long, T> key, Func<long, bool> isNull, IComparer<T> comparer, bool ascending, bool nullsLast)
    {
        IEnumerable<long> rows = Enumerable.Range(0, checked((int)length)).Select(row => (long)row);
        long[] nulls = [.. rows.Where(isNull)];
        IEnumerable<long> values = rows.Where(row => !isNull(row));
        values = ascending ? values.OrderBy(key, comparer) : values.OrderByDescending(key, comparer);
        return new PrimitiveDataFrameColumn<long>("SortIndices", nullsLast ? values.Concat(nulls) : nulls.Concat(values));
    }

    private PrimitiveDataFrameColumn<bool> Compare<T>(T value, Func<int, bool> accept)
    {
        object other = value is null || DataType == typeof(string) ? value : Convert.ChangeType(value, DataType);
        var result = new BooleanDataFrameColumn(Name, Length);
        for (long row = 0; row < Length; row++)
            result[row] = this[row] is { } cell && other is not null ? accept(Comparer.Default.Compare(cell, other)) : accept(this[row] is null && other is null ? 0 : int.MaxValue);
        return result;
    }
}
