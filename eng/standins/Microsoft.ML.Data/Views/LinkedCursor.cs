namespace Microsoft.ML.Data;

/// <summary>Base of cursors that show rows of another cursor with the same columns.</summary>
internal abstract class LinkedCursor(DataViewSchema schema, DataViewRowCursor input, bool[] active) : DataViewRowCursor
{
    private bool _isDisposed;

    public override DataViewSchema Schema { get; } = schema;

    public override long Position => Input.Position;

    public override long Batch => Input.Batch;

    protected DataViewRowCursor Input { get; } = input;

    protected bool[] Active { get; } = active;

    public override bool IsColumnActive(DataViewSchema.Column column) => ColumnSet.Contains(Active, column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        ColumnSet.Require(Active, column);
        return Input.GetGetter<TValue>(Input.Schema[column.Index]);
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _isDisposed)
            return;
        _isDisposed = true;
        Input.Dispose();
    }
}
