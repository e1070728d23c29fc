namespace Microsoft.ML.Data;

/// <summary>A view with the columns of its source and those of a row mapper; also the mapper for single rows.</summary>
internal sealed class RowMapperView : IDataView, IRowToRowMapper
{
    private readonly IDataView _source;
    private readonly RowMapper _mapper;
    private readonly AddedColumns _columns;

    public RowMapperView(IDataView source, RowMapper mapper)
    {
        _source = source;
        _mapper = mapper;
        _columns = new AddedColumns(mapper.InputSchema, mapper.Outputs);
    }

    public DataViewSchema Schema => _columns.Schema;

    public bool CanShuffle => _source.CanShuffle;

    public DataViewSchema InputSchema => _source.Schema;

    public DataViewSchema OutputSchema => Schema;

    public static DataViewSchema SchemaOf(RowMapper mapper) => new AddedColumns(mapper.InputSchema, mapper.Outputs).Schema;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        return new Cursor(this, _source.GetRowCursor(NeededOfSource(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        return [.. _source.GetRowCursorSet(NeededOfSource(active), n, rand).Select(cursor => new Cursor(this, cursor, active))];
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        NeededOfSource(ColumnSet.Of(Schema, dependingColumns));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Guard.NotNull(input, nameof(input));
        Guard.NotNull(activeColumns, nameof(activeColumns));
        Guard.That(input.Schema == _source.Schema, "Schema of input row must be the same as the schema the mapper is bound to");
        return new MappedRow(this, input, ColumnSet.Of(Schema, activeColumns));
    }

    private List<DataViewSchema.Column> NeededOfSource(bool[] active)
    {
        DataViewSchema source = _source.Schema;
        var needed = new bool[source.Count];
        for (int i = 0; i < active.Length; i++)
        {
            if (active[i] && _columns.IsInput(i, out int origin))
                needed[origin] = true;
        }
        foreach (int index in _mapper.InputsOf(output => active[_columns.PlaceOf(output)]))
            needed[index] = true;
        return [.. source.Where(column => needed[column.Index])];
    }

    /// <summary>What row and cursor share: where the value of each column comes from.</summary>
    private sealed class Values
    {
        private readonly RowMapperView _view;
        private readonly DataViewRow _input;
        private readonly bool[] _active;
        private readonly Delegate[] _getters;

        public Values(RowMapperView view, DataViewRow input, bool[] active)
        {
            _view = view;
            _input = input;
            _active = active;
            _getters = view._mapper.MakeGetters(input, output => active[view._columns.PlaceOf(output)], out Action disposer);
            Disposer = disposer;
        }

        public Action Disposer { get; }

        public bool IsActive(DataViewSchema.Column column) => ColumnSet.Contains(_active, column);

        public ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column)
        {
            ColumnSet.Require(_active, column);
            return _view._columns.IsInput(column.Index, out int origin)
                ? _input.GetGetter<TValue>(_view.InputSchema[origin])
                : Getters.Typed<TValue>(_getters[origin]);
        }
    }

    private sealed class MappedRow(RowMapperView view, DataViewRow input, bool[] active) : DataViewRow
    {
        private readonly Values _values = new(view, input, active);

        public override DataViewSchema Schema => view.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool IsColumnActive(DataViewSchema.Column column) => _values.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _values.Getter<TValue>(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _values.Disposer?.Invoke();
                input.Dispose();
            }
        }
    }

    private sealed class Cursor(RowMapperView view, DataViewRowCursor input, bool[] active) : DataViewRowCursor
    {
        private readonly Values _values = new(view, input, active);
        private bool _isDisposed;

        public override DataViewSchema Schema => view.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool MoveNext() => input.MoveNext();

        public override bool IsColumnActive(DataViewSchema.Column column) => _values.IsActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _values.Getter<TValue>(column);

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        protected override void Dispose(bool disposing)
        {
            if (!disposing || _isDisposed)
                return;
            _isDisposed = true;
            _values.Disposer?.Invoke();
            input.Dispose();
        }
    }
}
