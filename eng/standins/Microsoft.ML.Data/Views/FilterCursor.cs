namespace Microsoft.ML.Data;

/// <summary>Base of cursors that leave out rows of another cursor: they count their own positions.</summary>
internal abstract class FilterCursor(DataViewSchema schema, DataViewRowCursor input, bool[] active) : LinkedCursor(schema, input, active)
{
    private long _position = -1;
    private bool _isDone;

    public override long Position => _position;

    public override bool MoveNext()
    {
        if (_isDone)
            return false;
        if (Advance())
        {
            _position++;
            return true;
        }
        Dispose();
        return false;
    }

    /// <summary>Moves the input to the next row that stays; false when there is none.</summary>
    protected abstract bool Advance();

    protected override void Dispose(bool disposing)
    {
        _isDone = true;
        _position = -1;
        base.Dispose(disposing);
    }
}
