using Microsoft.ML;
using Microsoft.ML.Data;

namespace Microsoft.Data.Analysis;

public partial class DataFrame : IDataView
{
    private DataViewSchema _schema;

    bool IDataView.CanShuffle => false;

    DataViewSchema IDataView.Schema => ViewSchema;

    private DataViewSchema ViewSchema
    {
        get
        {
            if (_schema is null)
            {
                var builder = new DataViewSchema.Builder();
                foreach (DataFrameColumn column in Columns)
                    column.AddDataViewColumn(builder);
                _schema = builder.ToSchema();
            }
            return _schema;
        }
    }

    long? IDataView.GetRowCount() => Rows.Count;

    DataViewRowCursor IDataView.GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand) => new RowCursor(this, columnsNeeded);

    DataViewRowCursor[] IDataView.GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand) => [new RowCursor(this, columnsNeeded)];

    private void OnColumnsChanged() => _schema = null;

    private sealed class RowCursor : DataViewRowCursor
    {
        private readonly DataFrame _frame;
        private readonly Delegate[] _getters;
        private long _position = -1;
        private bool _disposed;

        public RowCursor(DataFrame frame, IEnumerable<DataViewSchema.Column> columnsNeeded)
        {
            _frame = frame;
            Schema = frame.ViewSchema;
            _getters = new Delegate[Schema.Count];
            foreach (DataViewSchema.Column column in columnsNeeded.Where(column => column.Index < _getters.Length))
                _getters[column.Index] = frame.Columns[column.Index].GetDataViewGetter(this);
        }

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema { get; }

        public override bool IsColumnActive(DataViewSchema.Column column) => _getters[column.Index] is not null;

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => IsColumnActive(column)
            ? (ValueGetter<TValue>)_getters[column.Index]
            : throw new ArgumentOutOfRangeException(nameof(column));

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)_position, 0);

        public override bool MoveNext() => !_disposed && ++_position < _frame.Rows.Count;

        protected override void Dispose(bool disposing)
        {
            _disposed = true;
            _position = -1;
            base.Dispose(disposing);
        }
    }
}
