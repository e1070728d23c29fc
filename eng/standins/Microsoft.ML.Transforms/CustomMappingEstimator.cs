using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using VectorKind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace Microsoft.ML.Transforms;

public sealed class CustomMappingEstimator<TSrc, TDst> : TrivialEstimator<CustomMappingTransformer<TSrc, TDst>>
    where TSrc : class, new()
    where TDst : class, new()
{
    internal CustomMappingEstimator(IHostEnvironment env, Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition input, SchemaDefinition output)
        : base(env.Register("CustomMappingEstimator"), new CustomMappingTransformer<TSrc, TDst>(env, mapAction, contractName, input, output))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(column => column.Name);
        foreach (RowColumn needed in RowLayout.Create(typeof(TSrc), Transformer.InputDefinition, SchemaDefinition.Direction.Both).Columns)
        {
            if (!columns.TryGetValue(needed.Name, out SchemaShape.Column given))
                throw Fail.MissingColumn(nameof(inputSchema), "input", needed.Name);
            SchemaShape.Column wanted = SchemaShape.Column.Of(needed.Name, needed.Type, null);
            bool kindFits = wanted.Kind == given.Kind || (wanted.Kind == VectorKind.VariableVector && given.Kind == VectorKind.Vector);
            if (!kindFits || wanted.IsKey != given.IsKey || !wanted.ItemType.Equals(given.ItemType))
                throw Fail.SchemaMismatch(nameof(inputSchema), "input", needed.Name, needed.Type.ToString(), given.GetTypeString());
        }
        foreach (SchemaShape.Column added in SchemaShape.Create(Transformer.AddedLayout.ToSchema()))
            columns[added.Name] = added;
        return new SchemaShape(columns.Values);
    }
}
