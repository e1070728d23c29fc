using System.Collections.Concurrent;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>The columns of rows as objects of the caller's own classes. All rows are read when a class is first asked for.</summary>
/// <param name="ml">The context.</param>
/// <param name="data">Enumerated once per class.</param>
internal sealed class TypedRows(MLContext ml, IDataView data)
{
    private readonly ConcurrentDictionary<Type, Lazy<object[]>> _rows = [];

    /// <summary>A row.</summary>
    /// <typeparam name="TRow">Its properties are columns.</typeparam>
    /// <param name="row">Counted from 0.</param>
    /// <exception cref="ArgumentException">A column is missing.</exception>
    public TRow At<TRow>(long row)
        where TRow : class, new() =>
        (TRow)_rows.GetOrAdd(typeof(TRow), _ => new Lazy<object[]>(Read<TRow>)).Value[row];

    /// <summary>Fails where a column is missing.</summary>
    /// <param name="schema">Of the data.</param>
    /// <param name="who">Reads them.</param>
    /// <exception cref="ArgumentException">One is; the message names it.</exception>
    public static void Check<TRow>(DataViewSchema schema, string who)
    {
        foreach (string name in SchemaDefinition.Create(typeof(TRow)).Select(column => column.ColumnName))
            if (schema.GetColumnOrNull(name) is null)
                throw new ArgumentException(
                    $"{who} reads rows as {typeof(TRow).Name}, which has a column '{name}', but the data have none; "
                    + $"their columns are {string.Join(", ", schema.Select(column => column.Name).Distinct())}. "
                    + $"Add the column, or take it out of {typeof(TRow).Name}.");
    }

    private object[] Read<TRow>()
        where TRow : class, new()
    {
        Check<TRow>(data.Schema, "The environment");
        return [.. ml.Data.CreateEnumerable<TRow>(data, reuseRowObject: false)];
    }
}
