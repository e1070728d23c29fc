using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using VectorKind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace Microsoft.ML.Transforms;

/// <summary>Numbers the values of columns.</summary>
public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    private readonly IHost _host;
    private readonly (string Output, string Input)[] _columns;
    private readonly KeyedColumnOptions _options;
    private readonly IDataView _keyData;

    internal ValueToKeyMappingEstimator(IHostEnvironment env, (string Output, string Input)[] columns, KeyedColumnOptions options, IDataView keyData)
    {
        _host = env.Register(nameof(ValueToKeyMappingEstimator));
        Guard.NotEmpty(columns, nameof(columns), _host);
        Guard.Argument(columns.All(column => !string.IsNullOrWhiteSpace(column.Output)), "outputColumnName", "outputColumnName cannot be null or white space", _host);
        Guard.Argument(keyData is null || keyData.Schema.Count == 1, nameof(keyData),
            $"If specified, this data view should contain only a single column containing the terms to map, but this had {keyData?.Schema.Count} columns.", _host);
        _columns = columns;
        _options = options;
        _keyData = keyData;
    }

    /// <summary>In which order values get their keys.</summary>
    public enum KeyOrdinality : byte
    {
        ByOccurrence = 0,
        ByValue = 1,
    }

    public ValueToKeyMappingTransformer Fit(IDataView input) => new(_host, input, _columns, _options, _keyData);

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), _host);
        Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(column => column.Name);
        foreach ((string output, string input) in _columns)
        {
            if (!inputSchema.TryFindColumn(input, out SchemaShape.Column source) || !source.ItemType.Equals(BuiltInTypes.OrNull(source.ItemType.RawType)))
                throw Fail.MissingColumn(nameof(inputSchema), "input", input, _host);
            if (!source.IsKey || !source.Annotations.TryFindColumn(AnnotationKinds.KeyValues, out SchemaShape.Column values) || values.Kind != VectorKind.Vector)
            {
                DataViewType valueType = _options.AnnotatesAsText ? TextDataViewType.Instance : source.ItemType;
                values = new SchemaShape.Column(AnnotationKinds.KeyValues, VectorKind.Vector, valueType, source.IsKey);
            }
            SchemaShape.Column[] annotations = source.Annotations.TryFindColumn(AnnotationKinds.SlotNames, out SchemaShape.Column slotNames) ? [slotNames, values] : [values];
            columns[output] = new SchemaShape.Column(output, source.Kind, NumberDataViewType.UInt32, isKey: true, new SchemaShape(annotations));
        }
        return new SchemaShape(columns.Values);
    }
}

/// <summary>How values become keys.</summary>
internal sealed record KeyedColumnOptions(int MaximumNumberOfKeys, ValueToKeyMappingEstimator.KeyOrdinality Ordinality, bool AnnotatesAsText);
