using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>A data set as a view. Each cursor reads the files anew, row after row; nothing is kept.</summary>
internal sealed class DatasetView : IDataView
{
    private readonly IReadOnlyList<DatasetColumn> _columns;
    private readonly Func<IEnumerable<LocatedRow>> _rows;

    /// <param name="columns">Of the rows.</param>
    /// <param name="rows">Gives them from the first on, for each cursor.</param>
    public DatasetView(IReadOnlyList<DatasetColumn> columns, Func<IEnumerable<LocatedRow>> rows)
    {
        (_columns, _rows) = (columns, rows);
        var builder = new DataViewSchema.Builder();
        foreach (DatasetColumn column in columns)
            builder.AddColumn(TrlColumns.NameInView(column.Name), column.Type);
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = new bool[Schema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded)
            active[column.Index] = true;
        return new DatasetCursor(Schema, _columns, active, _rows());
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}
