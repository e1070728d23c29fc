using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

public static class CustomMappingCatalog
{
    public static CustomMappingEstimator<TSrc, TDst> CustomMapping<TSrc, TDst>(this TransformsCatalog catalog, Action<TSrc, TDst> mapAction, string contractName,
        SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
        where TSrc : class, new()
        where TDst : class, new() =>
        new(catalog.Environment, mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition);

    public static IDataView FilterByCustomPredicate<TSrc>(this DataOperationsCatalog catalog, IDataView input, Func<TSrc, bool> filterPredicate)
        where TSrc : class, new()
    {
        Guard.NotNull(filterPredicate, nameof(filterPredicate));
        return new PredicateView<TSrc>(input, filterPredicate);
    }
}
