using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Some rows from the start of a view, behind some that are left out.</summary>
internal sealed class SkipTakeView : IDataView
{
    private readonly IDataView _source;
    private readonly long _skip;
    private readonly long _take;

    public SkipTakeView(IHostEnvironment env, IDataView source, long skip, long take)
    {
        env.Register("SkipTakeFilter");
        _source = source;
        _skip = skip;
        _take = take;
    }

    public DataViewSchema Schema => _source.Schema;

    public bool CanShuffle => false;

    public long? GetRowCount() => _take == 0 ? 0 : _source.GetRowCount() is long count ? Math.Min(Math.Max(0, count - _skip), _take) : null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        // Always in the order of the source: otherwise these would not be its first rows.
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        return new Cursor(this, _source.GetRowCursor(columns), ColumnSet.Of(Schema, columns));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded)];

    private sealed class Cursor(SkipTakeView view, DataViewRowCursor input, bool[] active) : FilterCursor(view.Schema, input, active)
    {
        private long _taken;

        public override long Batch => 0;

        protected override bool Advance()
        {
            if (_taken == view._take)
                return false;
            for (long i = 0; _taken == 0 && i < view._skip; i++)
            {
                if (!Input.MoveNext())
                    return false;
            }
            _taken++;
            return Input.MoveNext();
        }
    }
}
