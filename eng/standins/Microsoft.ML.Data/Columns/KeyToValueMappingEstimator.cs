using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using VectorKind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace Microsoft.ML.Transforms;

/// <summary>Keys as the values that they stand for.</summary>
public sealed class KeyToValueMappingEstimator : TrivialEstimator<KeyToValueMappingTransformer>
{
    internal KeyToValueMappingEstimator(IHostEnvironment env, (string Output, string Input)[] columns)
        : base(env.Register(nameof(KeyToValueMappingEstimator)), new KeyToValueMappingTransformer(env, columns))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), Host);
        Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(column => column.Name);
        foreach ((string output, string input) in Transformer.ColumnPairs)
        {
            if (!inputSchema.TryFindColumn(input, out SchemaShape.Column source))
                throw Fail.MissingColumn(nameof(inputSchema), "input", input, Host);
            if (!source.IsKey)
                throw Fail.SchemaMismatch(nameof(inputSchema), "input", input, "KeyType", source.GetTypeString(), Host);
            Guard.Argument(source.Annotations.TryFindColumn(AnnotationKinds.KeyValues, out SchemaShape.Column values), nameof(inputSchema),
                $"Input column '{input}' doesn't contain key values metadata", Host);
            bool hasSlotNames = source.Annotations.TryFindColumn(AnnotationKinds.SlotNames, out SchemaShape.Column slotNames)
                && source.Kind == VectorKind.Vector && slotNames.Kind == VectorKind.Vector && slotNames.ItemType is TextDataViewType;
            columns[output] = new SchemaShape.Column(output, source.Kind, values.ItemType, values.IsKey, hasSlotNames ? new SchemaShape([slotNames]) : null);
        }
        return new SchemaShape(columns.Values);
    }
}
