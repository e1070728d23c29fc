using System.Collections;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Microsoft.Data.Analysis;

public partial class VBufferDataFrameColumn<T> : DataFrameColumn, IEnumerable<VBuffer<T>>
{
    private readonly List<VBuffer<T>> _values;

    public VBufferDataFrameColumn(string name, long length = 0)
        : this(name, Enumerable.Repeat(default(VBuffer<T>), checked((int)length)))
    {
    }

    public VBufferDataFrameColumn(string name, IEnumerable<VBuffer<T>> values)
        : base(name, 0, typeof(VBuffer<T>))
    {
        _values = [.. values ?? []];
        Length = _values.Count;
    }

    public override long NullCount => 0;

    public new VBuffer<T> this[long rowIndex] { get => _values[checked((int)rowIndex)]; set => _values[checked((int)rowIndex)] = value; }

    public void Append(VBuffer<T> value)
    {
        _values.Add(value);
        Length++;
    }

    public IEnumerator<VBuffer<T>> GetEnumerator() => _values.GetEnumerator();

    protected override IEnumerator GetEnumeratorCore() => GetEnumerator();

    protected override object GetValue(long rowIndex) => this[rowIndex];

    protected override IReadOnlyList<object> GetValues(long startIndex, int length) => [.. _values.Slice(checked((int)startIndex), length).Select(value => (object)value)];

    protected override void SetValue(long rowIndex, object value) => this[rowIndex] = (VBuffer<T>)value;

    protected override DataFrameColumn CloneImplementation(long numberOfNullsToAppend) =>
        new VBufferDataFrameColumn<T>(Name, _values.Concat(Enumerable.Repeat(default(VBuffer<T>), checked((int)numberOfNullsToAppend))));

    protected override DataFrameColumn CloneImplementation(DataFrameColumn mapIndices, bool invertMapIndices = false, long numberOfNullsToAppend = 0) =>
        new VBufferDataFrameColumn<T>(Name, mapIndices is PrimitiveDataFrameColumn<bool> filter
            ? _values.Where((_, row) => filter[row] == true)
            : Indices(mapIndices, invertMapIndices).Select(index => index is { } row ? this[row] : default));

    protected internal override PrimitiveDataFrameColumn<long> GetSortIndices(bool ascending, bool putNullValuesLast) => throw new NotImplementedException();

    protected internal override void Resize(long length)
    {
        while (_values.Count < length)
            _values.Add(default);
        _values.RemoveRange(checked((int)length), _values.Count - (int)length);
        Length = length;
    }

    protected internal override void AddDataViewColumn(DataViewSchema.Builder builder) => builder.AddColumn(Name, new VectorDataViewType(ItemType(), Size()));

    protected internal override Delegate GetDataViewGetter(DataViewRowCursor cursor) =>
        (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[(int)cursor.Position].CopyTo(ref value));

    protected internal override Delegate GetValueGetterUsingCursor(DataViewRowCursor cursor, DataViewSchema.Column schemaColumn) => cursor.GetGetter<VBuffer<T>>(schemaColumn);

    protected internal override void AddValueUsingCursor(DataViewRowCursor cursor, Delegate getter)
    {
        VBuffer<T> value = default;
        ((ValueGetter<VBuffer<T>>)getter)(ref value);
        Append(value);
    }

    // Rows of one length are a vector of known size.
    private int Size()
    {
        int[] lengths = [.. _values.Select(value => value.Length).Distinct()];
        return lengths is [int one] ? one : 0;
    }

    private static PrimitiveDataViewType ItemType() => typeof(T) == typeof(ReadOnlyMemory<char>) ? TextDataViewType.Instance : default(T) switch
    {
        bool => BooleanDataViewType.Instance,
        byte => NumberDataViewType.Byte,
        sbyte => NumberDataViewType.SByte,
        short => NumberDataViewType.Int16,
        ushort => NumberDataViewType.UInt16,
        int => NumberDataViewType.Int32,
        uint => NumberDataViewType.UInt32,
        long => NumberDataViewType.Int64,
        ulong => NumberDataViewType.UInt64,
        float => NumberDataViewType.Single,
        double => NumberDataViewType.Double,
        _ => throw new NotSupportedException($"A vector of {typeof(T)} has no counterpart in a data view."),
    };
}
