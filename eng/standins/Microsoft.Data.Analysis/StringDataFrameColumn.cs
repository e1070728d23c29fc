using System.Collections;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Microsoft.Data.Analysis;

public partial class StringDataFrameColumn : DataFrameColumn, IEnumerable<string>
{
    private readonly List<string> _values;

    public StringDataFrameColumn(string name, long length = 0)
        : this(name, Enumerable.Repeat((string)null, checked((int)length)))
    {
    }

    public StringDataFrameColumn(string name, IEnumerable<string> values)
        : base(name, 0, typeof(string))
    {
        _values = [.. values ?? []];
        Length = _values.Count;
    }

    public override long NullCount => _values.LongCount(value => value is null);

    public new string this[long rowIndex] { get => _values[checked((int)rowIndex)]; set => _values[checked((int)rowIndex)] = value; }

    public new List<string> this[long startIndex, int length] => _values.Slice(checked((int)startIndex), length);

    public void Append(string value)
    {
        _values.Add(value);
        Length++;
    }

    public StringDataFrameColumn Apply(Func<string, string> func, bool inPlace = false)
    {
        StringDataFrameColumn target = inPlace ? this : Clone();
        for (int row = 0; row < target._values.Count; row++)
            target._values[row] = func(target._values[row]);
        return target;
    }

    public new StringDataFrameColumn Clone(long numberOfNullsToAppend = 0) => (StringDataFrameColumn)CloneImplementation(numberOfNullsToAppend);

    public IEnumerator<string> GetEnumerator() => _values.GetEnumerator();

    protected override IEnumerator GetEnumeratorCore() => GetEnumerator();

    protected override object GetValue(long rowIndex) => this[rowIndex];

    protected override IReadOnlyList<object> GetValues(long startIndex, int length) => this[startIndex, length];

    protected override void SetValue(long rowIndex, object value) => this[rowIndex] = value is null or string
        ? (string)value
        : throw new ArgumentException($"Expected value to be of type {typeof(string)}", nameof(value));

    protected override DataFrameColumn CloneImplementation(long numberOfNullsToAppend) =>
        new StringDataFrameColumn(Name, _values.Concat(Enumerable.Repeat((string)null, checked((int)numberOfNullsToAppend))));

    protected override DataFrameColumn CloneImplementation(DataFrameColumn mapIndices, bool invertMapIndices = false, long numberOfNullsToAppend = 0) =>
        new StringDataFrameColumn(Name, (mapIndices is PrimitiveDataFrameColumn<bool> filter
                ? _values.Where((_, row) => filter[row] == true)
                : Indices(mapIndices, invertMapIndices).Select(index => index is { } row ? this[row] : null))
            .Concat(Enumerable.Repeat((string)null, checked((int)numberOfNullsToAppend))));

    protected internal override PrimitiveDataFrameColumn<long> GetSortIndices(bool ascending, bool putNullValuesLast) =>
        Sorted(Length, row => this[row], row => this[row] is null, StringComparer.CurrentCulture, ascending, putNullValuesLast);

    protected internal override void Resize(long length)
    {
        while (_values.Count < length)
            _values.Add(null);
        _values.RemoveRange(checked((int)length), _values.Count - (int)length);
        Length = length;
    }

    protected internal override void AddDataViewColumn(DataViewSchema.Builder builder) => builder.AddColumn(Name, TextDataViewType.Instance);

    protected internal override Delegate GetDataViewGetter(DataViewRowCursor cursor) =>
        (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = this[cursor.Position].AsMemory());

    protected internal override Delegate GetValueGetterUsingCursor(DataViewRowCursor cursor, DataViewSchema.Column schemaColumn) =>
        cursor.GetGetter<ReadOnlyMemory<char>>(schemaColumn);

    protected internal override void AddValueUsingCursor(DataViewRowCursor cursor, Delegate getter)
    {
        ReadOnlyMemory<char> value = default;
        ((ValueGetter<ReadOnlyMemory<char>>)getter)(ref value);
        Append(value.ToString());
    }
}
