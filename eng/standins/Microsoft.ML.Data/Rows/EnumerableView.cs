using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view over a sequence of objects, enumerated anew by each cursor.</summary>
internal sealed class EnumerableView<TRow> : IDataView
    where TRow : class
{
    private readonly IHost _host;
    private readonly IEnumerable<TRow> _rows;
    private readonly RowLayout _layout;

    public EnumerableView(IHostEnvironment env, IEnumerable<TRow> rows, RowLayout layout)
    {
        _host = env.Register("StreamingDataView");
        _rows = rows;
        _layout = layout;
        Schema = layout.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => (_rows as ICollection<TRow>)?.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(this, ColumnSet.Of(Schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(EnumerableView<TRow> view, bool[] active) : RootCursor(view.Schema, active)
    {
        private readonly IEnumerator<TRow> _rows = view._rows.GetEnumerator();
        private TRow _current;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            Guard.That(IsOnRow, FetchError, view._host);
            id = new DataViewRowId((ulong)Position, 0);
        };

        protected override bool Advance()
        {
            bool isRow = _rows.MoveNext();
            _current = isRow ? _rows.Current : null;
            Guard.That(!isRow || _current is not null, "Encountered null when iterating over data, this is not supported.", view._host);
            return isRow;
        }

        protected override Delegate MakeGetter(DataViewSchema.Column column) =>
            RowGetters.Make(view._layout.Columns[column.Index], () => _current);
    }
}
