using Microsoft.ML.Data;

namespace Microsoft.ML.Transforms;

/// <summary>The rows of a view that a function of an object accepts.</summary>
internal sealed class PredicateView<TRow>(IDataView source, Func<TRow, bool> accepts) : IDataView
    where TRow : class, new()
{
    private readonly ObjectFiller<TRow> _filler = new(source.Schema, ignoreMissingColumns: false, null);

    public bool CanShuffle => source.CanShuffle;

    public DataViewSchema Schema => source.Schema;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        IEnumerable<DataViewSchema.Column> needed = columnsNeeded.Concat(_filler.Sources).DistinctBy(column => column.Index);
        return new Cursor(this, source.GetRowCursor(needed, rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly PredicateView<TRow> _view;
        private readonly DataViewRowCursor _input;
        private readonly bool[] _active;
        private readonly TRow _row = new();
        private readonly Action<TRow> _fill;
        private readonly Func<TRow, bool> _accepts;
        private long _position = -1;

        public Cursor(PredicateView<TRow> view, DataViewRowCursor input, bool[] active)
        {
            (_view, _input, _active) = (view, input, active);
            _fill = view._filler.Bind(input);
            _accepts = view.Accepts;
        }

        public override DataViewSchema Schema => _view.Schema;

        public override long Position => _position;

        public override long Batch => _input.Batch;

        public override bool IsColumnActive(DataViewSchema.Column column) => ColumnSet.Contains(_active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ColumnSet.Require(_active, column);
            return _input.GetGetter<TValue>(column);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();

        public override bool MoveNext()
        {
            while (_input.MoveNext())
            {
                _fill(_row);
                if (!_accepts(_row))
                    continue;
                _position++;
                return true;
            }
            _position = -1;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _input.Dispose();
        }
    }

    private bool Accepts(TRow row) => accepts(row);
}
