namespace Microsoft.ML.Data;

/// <summary>The rows of text files.</summary>
internal sealed class TextView(TextLoader loader, IMultiStreamSource files) : IDataView
{
    public DataViewSchema Schema => loader.GetOutputSchema();

    public bool CanShuffle => false;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) => new Cursor(this, ColumnSet.Of(Schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursor
    {
        private readonly TextView _view;
        private readonly TextLog _log;
        private readonly TextFields _fields;
        private readonly int _lastNeeded;
        private readonly TextCell[] _cells;
        private readonly TextFormat _format;
        private readonly IEnumerator<(string Path, long Number, string Text)> _lines;
        private bool _isDisposed;

        public Cursor(TextView view, bool[] active)
            : base(view.Schema, active)
        {
            _view = view;
            _format = view.Loader.Format;
            _log = new TextLog(view.Loader.Host);
            _fields = new TextFields(_format, _log);
            _cells = [.. view.Loader.Columns.Select((column, i) => active[i] ? TextCell.Create(column, _format, _log) : null)];
            int limit = view.Loader.Columns.Where((_, i) => active[i]).SelectMany(column => column.Segments).Select(segment => segment.Limit).Append(1).Max();
            _lastNeeded = (_format.InputSize > 0 ? Math.Min(limit, _format.InputSize) : limit) - 1;
            _lines = TextLines.Of(view.Files, _format, _format.HasHeader, _format.MaxRows).GetEnumerator();
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            Guard.That(IsOnRow, FetchError);
            id = new DataViewRowId((ulong)Position, 0);
        };

        protected override bool Advance()
        {
            try
            {
                if (!_lines.MoveNext())
                    return false;
                (string path, long number, string text) = _lines.Current;
                _fields.Split(text.AsMemory(), _lastNeeded, path, number);
                foreach (TextCell cell in _cells)
                    cell?.Read(_fields, number);
            }
            catch (Exception exception) when (exception is InvalidOperationException or FormatException)
            {
                throw Fail.Decode($"Parsing failed with an exception: {exception.Message}", exception);
            }
            _log.Row();
            return true;
        }

        protected override Delegate MakeGetter(DataViewSchema.Column column) => _cells[column.Index].MakeGetter(() => IsOnRow);

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_isDisposed)
            {
                _isDisposed = true;
                _lines.Dispose();
                _log.Dispose();
            }
            base.Dispose(disposing);
        }
    }

    private TextLoader Loader => loader;

    private IMultiStreamSource Files => files;
}
