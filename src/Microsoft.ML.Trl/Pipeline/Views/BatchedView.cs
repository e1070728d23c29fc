namespace Microsoft.ML.Trl.Pipeline;

/// <summary>A lazy view: the source's columns and those of a map, computed in batches while a cursor runs, and only when asked for.</summary>
internal sealed class BatchedView : IDataView
{
    private readonly IDataView _source;
    private readonly IBatchMap _map;

    public BatchedView(IDataView source, IBatchMap map, DataViewSchema schema)
    {
        _source = source;
        _map = map;
        Schema = schema;
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => _source.CanShuffle;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = new bool[Schema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded)
            active[column.Index] = true;
        bool computes = Enumerable.Range(_source.Schema.Count, _map.Outputs.Count).Any(i => active[i]);
        List<DataViewSchema.Column> needed = [.. _source.Schema.Where(column => active[column.Index])];
        if (computes)
            needed.AddRange(_map.Inputs.Where(column => !active[column.Index]));
        return new BatchedCursor(_source.GetRowCursor(needed, rand), _map, Schema, active);
    }

    // One cursor: two would run the model twice for each row beneath.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}
