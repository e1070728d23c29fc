namespace Microsoft.ML.Data;

/// <summary>Base of cursors that count rows on their own: -1 before the first row and after the last.</summary>
internal abstract class RootCursor(DataViewSchema schema, bool[] active) : DataViewRowCursor
{
    public const string FetchError =
        "Values cannot be fetched at this time. This method was called either before the first call to MoveNext, or at any point after that method returned false.";

    private readonly Delegate[] _getters = new Delegate[schema.Count];
    private long _position = -1;
    private bool _isDone;

    public override DataViewSchema Schema { get; } = schema;

    public override long Position => _position;

    public override long Batch => 0;

    protected bool[] Active { get; } = active;

    protected bool IsOnRow => _position >= 0;

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

    public override bool IsColumnActive(DataViewSchema.Column column) => ColumnSet.Contains(Active, column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        ColumnSet.Require(Active, column);
        return Getters.Typed<TValue>(_getters[column.Index] ??= MakeGetter(Schema[column.Index]));
    }

    /// <summary>Goes to the next row; false when there is none.</summary>
    protected abstract bool Advance();

    /// <summary>A <see cref="ValueGetter{TValue}"/> of the column's raw type.</summary>
    protected abstract Delegate MakeGetter(DataViewSchema.Column column);

    protected override void Dispose(bool disposing)
    {
        _isDone = true;
        _position = -1;
    }
}
