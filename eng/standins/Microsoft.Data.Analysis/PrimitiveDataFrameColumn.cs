using System.Collections;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Microsoft.Data.Analysis;

public partial class PrimitiveDataFrameColumn<T> : DataFrameColumn, IEnumerable<T?>
    where T : unmanaged
{
    private readonly List<T?> _values;

    public PrimitiveDataFrameColumn(string name, IEnumerable<T?> values)
        : base(name, 0, typeof(T))
    {
        _values = [.. values ?? []];
        Length = _values.Count;
    }

    public PrimitiveDataFrameColumn(string name, IEnumerable<T> values)
        : this(name, (values ?? []).Select(value => (T?)value))
    {
    }

    public PrimitiveDataFrameColumn(string name, long length = 0)
        : this(name, Enumerable.Repeat((T?)null, checked((int)length)))
    {
    }

    public override long NullCount => _values.LongCount(value => value is null);

    public new T? this[long rowIndex] { get => _values[checked((int)rowIndex)]; set => _values[checked((int)rowIndex)] = value; }

    public new IReadOnlyList<T?> this[long startIndex, int length] => _values.Slice(checked((int)startIndex), length);

    public void Append(T? value)
    {
        _values.Add(value);
        Length++;
    }

    public PrimitiveDataFrameColumn<T> Apply(Func<T, T> func, bool inPlace = false)
    {
        PrimitiveDataFrameColumn<T> target = inPlace ? this : Clone();
        for (int row = 0; row < target._values.Count; row++)
            target._values[row] = target._values[row] is { } value ? func(value) : null;
        return target;
    }

    public new PrimitiveDataFrameColumn<T> Clone(long numberOfNullsToAppend = 0) => (PrimitiveDataFrameColumn<T>)CloneImplementation(numberOfNullsToAppend);

    public new PrimitiveDataFrameColumn<T> Clone(DataFrameColumn mapIndices, bool invertMapIndices = false, long numberOfNullsToAppend = 0) =>
        (PrimitiveDataFrameColumn<T>)CloneImplementation(mapIndices, invertMapIndices, numberOfNullsToAppend);

    public IEnumerator<T?> GetEnumerator() => _values.GetEnumerator();

    public override double Mean() => NullCount == Length ? 0 : Convert.ToDouble(Sum()) / (Length - NullCount);

    public override double Median()
    {
        double[] sorted = [.. Present().Select(value => Convert.ToDouble(value)).Order()];
        return sorted.Length == 0 ? 0 : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    public override object Max() => Present().Cast<T?>().Max();

    public override object Min() => Present().Cast<T?>().Min();

    public override object Sum() => Convert.ChangeType(Present().Sum(value => Convert.ToDecimal(value)), typeof(T));

    protected override IEnumerator GetEnumeratorCore() => GetEnumerator();

    protected override object GetValue(long rowIndex) => this[rowIndex];

    protected override IReadOnlyList<object> GetValues(long startIndex, int length) => [.. this[startIndex, length].Select(value => (object)value)];

    protected override void SetValue(long rowIndex, object value) => this[rowIndex] = value switch
    {
        null => null,
        T exact => exact,
        _ => throw new ArgumentException($"Expected value to be of type {typeof(T)}", nameof(value)),
    };

    protected override DataFrameColumn CloneImplementation(long numberOfNullsToAppend) =>
        Filled(_values.Concat(Enumerable.Repeat((T?)null, checked((int)numberOfNullsToAppend))));

    protected override DataFrameColumn CloneImplementation(DataFrameColumn mapIndices, bool invertMapIndices, long numberOfNullsToAppend) =>
        Filled((mapIndices is PrimitiveDataFrameColumn<bool> filter
                ? _values.Where((_, row) => filter[row] == true)
                : Indices(mapIndices, invertMapIndices).Select(index => index is { } row ? this[row] : null))
            .Concat(Enumerable.Repeat((T?)null, checked((int)numberOfNullsToAppend))));

    protected virtual PrimitiveDataFrameColumn<T> CreateNewColumn(string name, long length = 0) => new(name, length);

    protected internal override PrimitiveDataFrameColumn<long> GetSortIndices(bool ascending = true, bool putNullValuesLast = true) =>
        Sorted(Length, row => this[row].Value, row => this[row] is null, Comparer<T>.Default, ascending, putNullValuesLast);

    protected internal override void Resize(long length)
    {
        while (_values.Count < length)
            _values.Add(null);
        _values.RemoveRange(checked((int)length), _values.Count - (int)length);
        Length = length;
    }

    protected internal override void AddDataViewColumn(DataViewSchema.Builder builder) => builder.AddColumn(Name, ViewType());

    protected internal override Delegate GetDataViewGetter(DataViewRowCursor cursor) => typeof(T) == typeof(char)
        ? (ValueGetter<ushort>)((ref ushort value) => value = (ushort)(char)(object)(this[cursor.Position] ?? default))
        : (ValueGetter<T>)((ref T value) => value = this[cursor.Position] ?? Missing);

    protected internal override Delegate GetValueGetterUsingCursor(DataViewRowCursor cursor, DataViewSchema.Column schemaColumn) => cursor.GetGetter<T>(schemaColumn);

    protected internal override void AddValueUsingCursor(DataViewRowCursor cursor, Delegate getter)
    {
        T value = default;
        ((ValueGetter<T>)getter)(ref value);
        Append(value);
    }

    // A view has no null: a missing number is NaN where there is one, else the default.
    private static T Missing => typeof(T) == typeof(float) ? (T)(object)float.NaN : typeof(T) == typeof(double) ? (T)(object)double.NaN : default;

    private static DataViewType ViewType() => default(T) switch
    {
        bool => BooleanDataViewType.Instance,
        byte => NumberDataViewType.Byte,
        sbyte => NumberDataViewType.SByte,
        short => NumberDataViewType.Int16,
        ushort or char => NumberDataViewType.UInt16,
        int => NumberDataViewType.Int32,
        uint => NumberDataViewType.UInt32,
        long => NumberDataViewType.Int64,
        ulong => NumberDataViewType.UInt64,
        float => NumberDataViewType.Single,
        double => NumberDataViewType.Double,
        DateTime => DateTimeDataViewType.Instance,
        _ => throw new NotSupportedException($"Column type {typeof(T)} has no counterpart in a data view."),
    };

    private PrimitiveDataFrameColumn<T> Filled(IEnumerable<T?> values)
    {
        PrimitiveDataFrameColumn<T> column = CreateNewColumn(Name);
        foreach (T? value in values)
            column.Append(value);
        return column;
    }

    private IEnumerable<T> Present() => _values.Where(value => value is not null).Select(value => value.Value);
}
