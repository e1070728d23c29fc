using Microsoft.ML.Transforms;

namespace Microsoft.ML;

/// <summary>Copying, joining and choosing columns.</summary>
public static class TransformExtensionsCatalog
{
    public static ColumnCopyingEstimator CopyColumns(this TransformsCatalog catalog, string outputColumnName, string inputColumnName)
    {
        Guard.NotNull(catalog, nameof(catalog));
        return new ColumnCopyingEstimator(catalog.Environment, outputColumnName, inputColumnName);
    }

    public static ColumnConcatenatingEstimator Concatenate(this TransformsCatalog catalog, string outputColumnName, params string[] inputColumnNames)
    {
        Guard.NotNull(catalog, nameof(catalog));
        return new ColumnConcatenatingEstimator(catalog.Environment, outputColumnName, inputColumnNames);
    }

    public static ColumnSelectingEstimator DropColumns(this TransformsCatalog catalog, params string[] columnNames)
    {
        Guard.NotNull(catalog, nameof(catalog));
        return new ColumnSelectingEstimator(catalog.Environment, null, columnNames, keepHidden: false);
    }

    public static ColumnSelectingEstimator SelectColumns(this TransformsCatalog catalog, string[] columnNames, bool keepHidden)
    {
        Guard.NotNull(catalog, nameof(catalog));
        return new ColumnSelectingEstimator(catalog.Environment, columnNames, null, keepHidden);
    }

    public static ColumnSelectingEstimator SelectColumns(this TransformsCatalog catalog, params string[] columnNames) =>
        catalog.SelectColumns(columnNames, keepHidden: false);
}
