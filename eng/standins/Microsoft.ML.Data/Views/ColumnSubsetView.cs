namespace Microsoft.ML.Data;

/// <summary>Some columns of a view by index. Dropping a column may bring a hidden one of the same name to light.</summary>
internal sealed class ColumnSubsetView : IDataView, IRowToRowMapper
{
    private readonly IDataView _source;
    private readonly int[] _kept;

    public ColumnSubsetView(IDataView source, IEnumerable<int> kept)
    {
        _source = source;
        _kept = [.. kept];
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(_kept.Select(index => source.Schema[index]));
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public DataViewSchema InputSchema => _source.Schema;

    public DataViewSchema OutputSchema => Schema;

    public bool CanShuffle => _source.CanShuffle;

    /// <summary>The view without the columns that a cache cannot hold, or the view itself.</summary>
    public static IDataView Keepable(IDataView source)
    {
        int[] kept = [.. source.Schema.Where(column => RowStore.CanKeep(column.Type)).Select(column => column.Index)];
        Guard.That(kept.Length > 0 || source.Schema.Count == 0, "Choose columns by index has no output column.");
        return kept.Length == source.Schema.Count ? source : new ColumnSubsetView(source, kept);
    }

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        return new Cursor(this, _source.GetRowCursor(Needed(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        return [.. _source.GetRowCursorSet(Needed(active), n, rand).Select(cursor => new Cursor(this, cursor, active))];
    }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        Needed(ColumnSet.Of(Schema, dependingColumns)).DistinctBy(column => column.Index);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Guard.NotNull(input, nameof(input));
        Guard.NotNull(activeColumns, nameof(activeColumns));
        return new Row(this, input, ColumnSet.Of(Schema, activeColumns));
    }

    private List<DataViewSchema.Column> Needed(bool[] active) => [.. _kept.Where((_, i) => active[i]).Select(index => _source.Schema[index])];

    private sealed class Cursor(ColumnSubsetView view, DataViewRowCursor input, bool[] active) : LinkedCursor(view.Schema, input, active)
    {
        public override bool MoveNext() => Input.MoveNext();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ColumnSet.Require(Active, column);
            return Input.GetGetter<TValue>(Input.Schema[view._kept[column.Index]]);
        }
    }

    private sealed class Row(ColumnSubsetView view, DataViewRow input, bool[] active) : DataViewRow
    {
        public override DataViewSchema Schema => view.Schema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override bool IsColumnActive(DataViewSchema.Column column) => ColumnSet.Contains(active, column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ColumnSet.Require(active, column);
            return input.GetGetter<TValue>(input.Schema[view._kept[column.Index]]);
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
        }
    }
}
