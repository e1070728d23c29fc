using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// Keeps the columns that were asked for in memory. Columns whose values cannot be kept (types that are neither primitive nor
/// vectors) are not part of the view. Each column is read from the source once, when a cursor first wants it.
/// </summary>
internal sealed class CacheView : IDataView
{
    private readonly IHost _host;
    private readonly IDataView _source;
    private readonly object _lock = new();
    private readonly RowStore[] _columns;
    private long _rowCount;

    public CacheView(IHostEnvironment env, IDataView input, IReadOnlyList<string> prefetch)
    {
        _host = env.Register("Cache");
        foreach (string name in prefetch)
        {
            DataViewSchema.Column column = input.Schema.GetColumnOrNull(name) ?? throw Fail.MissingColumn("columnsToPrefetch", "prefetch", name, _host);
            Guard.That(RowStore.CanKeep(column.Type), $"Asked to prefetch column '{name}' into cache, but it is of unhandled type '{column.Type}'", _host);
        }
        _source = ColumnSubsetView.Keepable(input);
        _columns = new RowStore[_source.Schema.Count];
        _rowCount = _source.GetRowCount() ?? -1;
        if (prefetch.Count > 0)
            EnsureFilled(ColumnSet.Of(Schema, prefetch.Select(name => Schema[name])));
    }

    public DataViewSchema Schema => _source.Schema;

    public bool CanShuffle => true;

    public long? GetRowCount() => _rowCount < 0 ? null : _rowCount;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        EnsureFilled(active);
        return new Cursor(this, active, rand is null ? null : Permutations.Random(rand, (int)_rowCount));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];

    private void EnsureFilled(bool[] active)
    {
        lock (_lock)
        {
            DataViewSchema.Column[] missing = [.. Schema.Where(column => active[column.Index] && _columns[column.Index] is null)];
            if (missing.Length == 0 && _rowCount >= 0)
                return;
            using DataViewRowCursor cursor = _source.GetRowCursor(missing);
            RowStore[] stores = [.. missing.Select(column => RowStore.Create(cursor, column))];
            long count = 0;
            while (cursor.MoveNext())
            {
                foreach (RowStore store in stores)
                    store.Add();
                count++;
            }
            _rowCount = count;
            for (int i = 0; i < missing.Length; i++)
                _columns[missing[i].Index] = stores[i];
        }
    }

    private sealed class Cursor(CacheView view, bool[] active, int[] permutation) : RootCursor(view.Schema, active)
    {
        private int Row => permutation is null ? (int)Position : permutation[Position];

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            Guard.That(IsOnRow, FetchError, view._host);
            id = new DataViewRowId((ulong)Row, 0);
        };

        protected override bool Advance() => Position + 1 < view._rowCount;

        protected override Delegate MakeGetter(DataViewSchema.Column column) => view._columns[column.Index].MakeGetter(() => Row);
    }
}
