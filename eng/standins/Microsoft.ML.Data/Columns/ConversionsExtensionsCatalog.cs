using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

/// <summary>Conversions between item types, and between values and keys.</summary>
public static class ConversionsExtensionsCatalog
{
    public static TypeConvertingEstimator ConvertType(this TransformsCatalog.ConversionTransforms catalog, string outputColumnName, string inputColumnName = null,
        DataKind outputKind = DataKind.Single)
    {
        Guard.NotNull(catalog, nameof(catalog));
        return new TypeConvertingEstimator(catalog.Environment, [new ConvertedColumn(outputColumnName, inputColumnName ?? outputColumnName, outputKind)]);
    }

    public static TypeConvertingEstimator ConvertType(this TransformsCatalog.ConversionTransforms catalog, InputOutputColumnPair[] columns,
        DataKind outputKind = DataKind.Single)
    {
        Guard.NotNull(catalog, nameof(catalog));
        Guard.NotNull(columns, nameof(columns), catalog.Environment);
        return new TypeConvertingEstimator(catalog.Environment, [.. columns.Select(pair => new ConvertedColumn(pair.OutputColumnName, pair.InputColumnName, outputKind))]);
    }

    public static KeyToValueMappingEstimator MapKeyToValue(this TransformsCatalog.ConversionTransforms catalog, string outputColumnName, string inputColumnName = null)
    {
        Guard.NotNull(catalog, nameof(catalog));
        return new KeyToValueMappingEstimator(catalog.Environment, [(outputColumnName, inputColumnName ?? outputColumnName)]);
    }

    public static KeyToValueMappingEstimator MapKeyToValue(this TransformsCatalog.ConversionTransforms catalog, InputOutputColumnPair[] columns)
    {
        Guard.NotNull(catalog, nameof(catalog));
        Guard.NotNull(columns, nameof(columns), catalog.Environment);
        return new KeyToValueMappingEstimator(catalog.Environment, InputOutputColumnPair.Pairs(columns));
    }

    public static ValueToKeyMappingEstimator MapValueToKey(this TransformsCatalog.ConversionTransforms catalog, string outputColumnName, string inputColumnName = null,
        int maximumNumberOfKeys = 1000000, ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality = ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence,
        bool addKeyValueAnnotationsAsText = false, IDataView keyData = null)
    {
        Guard.NotNull(catalog, nameof(catalog));
        var options = new KeyedColumnOptions(maximumNumberOfKeys, keyOrdinality, addKeyValueAnnotationsAsText);
        return new ValueToKeyMappingEstimator(catalog.Environment, [(outputColumnName, inputColumnName ?? outputColumnName)], options, keyData);
    }

    public static ValueToKeyMappingEstimator MapValueToKey(this TransformsCatalog.ConversionTransforms catalog, InputOutputColumnPair[] columns,
        int maximumNumberOfKeys = 1000000, ValueToKeyMappingEstimator.KeyOrdinality keyOrdinality = ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence,
        bool addKeyValueAnnotationsAsText = false, IDataView keyData = null)
    {
        Guard.NotNull(catalog, nameof(catalog));
        Guard.NotNull(columns, nameof(columns), catalog.Environment);
        var options = new KeyedColumnOptions(maximumNumberOfKeys, keyOrdinality, addKeyValueAnnotationsAsText);
        return new ValueToKeyMappingEstimator(catalog.Environment, InputOutputColumnPair.Pairs(columns), options, keyData);
    }
}
