namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Notes which columns each cursor over a view asks for.</summary>
internal sealed class RecordingView(IDataView inner) : IDataView
{
    public List<string> Cursors { get; } = [];

    public bool CanShuffle => inner.CanShuffle;

    public DataViewSchema Schema => inner.Schema;

    public long? GetRowCount() => inner.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        Cursors.Add(string.Join(", ", columns.OrderBy(column => column.Index).Select(column => column.Name)));
        return inner.GetRowCursor(columns, rand);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}
