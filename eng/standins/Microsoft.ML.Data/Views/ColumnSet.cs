namespace Microsoft.ML.Data;

/// <summary>Which columns of a schema a cursor computes, as flags by index.</summary>
internal static class ColumnSet
{
    public static bool[] Of(DataViewSchema schema, IEnumerable<DataViewSchema.Column> columns)
    {
        Guard.NotNull(columns, nameof(columns));
        var active = new bool[schema.Count];
        foreach (DataViewSchema.Column column in columns)
        {
            Guard.Argument(column.Index < active.Length, nameof(columns), $"Column '{column.Name}' is not part of the view.");
            active[column.Index] = true;
        }
        return active;
    }

    public static bool Contains(bool[] active, DataViewSchema.Column column)
    {
        Guard.Argument((uint)column.Index < (uint)active.Length, nameof(column));
        return active[column.Index];
    }

    /// <summary>Raises what a cursor raises when it is asked for a column that it does not compute.</summary>
    public static void Require(bool[] active, DataViewSchema.Column column) =>
        Guard.Argument(Contains(active, column), nameof(column), "requested column not active");
}
