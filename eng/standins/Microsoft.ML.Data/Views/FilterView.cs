namespace Microsoft.ML.Data;

/// <summary>Base of the views that leave out rows by their values.</summary>
internal abstract class FilterView(IDataView source, string[] testedColumns) : IDataView
{
    public DataViewSchema Schema => Source.Schema;

    public bool CanShuffle => Source.CanShuffle;

    protected IDataView Source { get; } = source;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        return new Cursor(this, Source.GetRowCursor(Needed(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        return [.. Source.GetRowCursorSet(Needed(active), n, rand).Select(cursor => new Cursor(this, cursor, active))];
    }

    /// <summary>A function that tells whether the current row stays.</summary>
    protected abstract Func<bool> MakeTest(DataViewRow row);

    private List<DataViewSchema.Column> Needed(bool[] active)
    {
        var tested = testedColumns.Select(name => Schema[name].Index).ToHashSet();
        return [.. Schema.Where(column => active[column.Index] || tested.Contains(column.Index))];
    }

    private sealed class Cursor : FilterCursor
    {
        private readonly Func<bool> _stays;

        public Cursor(FilterView view, DataViewRowCursor input, bool[] active)
            : base(view.Schema, input, active) =>
            _stays = view.MakeTest(input);

        protected override bool Advance()
        {
            while (Input.MoveNext())
            {
                if (_stays())
                    return true;
            }
            return false;
        }
    }
}
