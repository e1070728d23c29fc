using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>A lazy view: the source's columns and those of a map, computed in batches while a cursor runs, only when asked for.</summary>
internal sealed class BatchedView(IDataView source, IBatchMap map) : IDataView
{
    public DataViewSchema Schema { get; } = AddedColumns.Schema(source.Schema, map);
    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = new bool[Schema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded)
            active[column.Index] = true;
        bool computes = Enumerable.Range(source.Schema.Count, map.Outputs.Count).Any(i => active[i]);
        List<DataViewSchema.Column> needed = [.. source.Schema.Where(column => active[column.Index])];
        if (computes)
            needed.AddRange(map.Inputs.Where(column => !active[column.Index]));
        return new BatchedCursor(source.GetRowCursor(needed, rand), map, Schema, active);
    }

    // One cursor: two would run the model twice for each row beneath.
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}

/// <summary>A column that a transformer adds: text, single, or a vector of single.</summary>
internal sealed record AddedColumn(string Name, DataViewType Type, DataViewSchema.Annotations? Annotations = null);

/// <summary>What a transformer computes for rows, many at once.</summary>
internal interface IBatchMap
{
    /// <summary>The text columns it reads.</summary>
    IReadOnlyList<DataViewSchema.Column> Inputs { get; }

    /// <summary>The columns it adds.</summary>
    IReadOnlyList<AddedColumn> Outputs { get; }

    /// <summary>Rows per call at the most.</summary>
    int BatchSize { get; }

    /// <summary>Computes the wanted columns.</summary>
    /// <param name="texts">One array per input column, one string per row.</param>
    /// <param name="wanted">One flag per output column.</param>
    /// <param name="firstRow">The position of the first row, for messages.</param>
    /// <returns>One array per output column (<see cref="string"/>, <see cref="float"/> or arrays of it), null where not wanted.</returns>
    Array?[] Compute(string[][] texts, bool[] wanted, long firstRow);
}

/// <summary>The schema of a view with what a map adds.</summary>
internal static class AddedColumns
{
    /// <summary>A getter of an added column.</summary>
    /// <param name="added">The column.</param>
    /// <param name="values">What the map computed for the batch.</param>
    /// <param name="slot">The row's place in it.</param>
    public static Delegate Getter(AddedColumn added, Func<Array> values, Func<int> slot) => added.Type switch
    {
        TextDataViewType =>
            (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = ((string[])values())[slot()].AsMemory()),
        VectorDataViewType => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
        {
            float[] numbers = ((float[][])values())[slot()];
            VBufferEditor<float> editor = VBufferEditor.Create(ref value, numbers.Length);
            numbers.CopyTo(editor.Values);
            value = editor.Commit();
        }),
        _ => (ValueGetter<float>)((ref float value) => value = ((float[])values())[slot()]),
    };

    public static DataViewSchema Schema(DataViewSchema input, IBatchMap map)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        foreach (AddedColumn added in map.Outputs)
            builder.AddColumn(added.Name, added.Type, added.Annotations);
        return builder.ToSchema();
    }
}
