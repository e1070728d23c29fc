using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A row over one object at a time, for prediction engines and custom mappings.</summary>
internal sealed class ObjectRow<TRow> : DataViewRow
    where TRow : class
{
    private readonly IHostEnvironment _env;
    private readonly Delegate[] _getters;
    private TRow _value;
    private long _position = -1;

    public ObjectRow(IHostEnvironment env, SchemaDefinition definition)
    {
        _env = env;
        RowLayout layout = RowLayout.Create(typeof(TRow), definition, SchemaDefinition.Direction.Read);
        Schema = layout.ToSchema();
        _getters = [.. layout.Columns.Select(column => RowGetters.Make(column, Current))];
    }

    public override DataViewSchema Schema { get; }

    public override long Position => _position;

    public override long Batch => 0;

    public void MoveTo(TRow value)
    {
        Guard.NotNull(value, "row", _env);
        _value = value;
        _position++;
    }

    public override bool IsColumnActive(DataViewSchema.Column column)
    {
        Guard.That((uint)column.Index < (uint)_getters.Length, $"Column index must be between 0 and {_getters.Length}", _env);
        return true;
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        Guard.Argument(IsColumnActive(column), nameof(column), "requested column not active", _env);
        return Getters.Typed<TValue>(_getters[column.Index]);
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)Position, 0);

    private TRow Current()
    {
        Guard.That(_position >= 0, RootCursor.FetchError, _env);
        return _value;
    }
}
