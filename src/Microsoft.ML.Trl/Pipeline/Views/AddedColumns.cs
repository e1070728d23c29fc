namespace Microsoft.ML.Trl.Pipeline;

/// <summary>The schema of a view with what a map adds.</summary>
internal static class AddedColumns
{
    public static DataViewSchema Schema(DataViewSchema input, IBatchMap map)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        foreach (AddedColumn added in map.Outputs)
            builder.AddColumn(added.Name, added.Type, added.Annotations);
        return builder.ToSchema();
    }
}
