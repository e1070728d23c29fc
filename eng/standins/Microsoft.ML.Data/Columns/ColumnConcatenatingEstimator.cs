using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using VectorKind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace Microsoft.ML.Transforms;

/// <summary>Columns of one item type as one vector.</summary>
public sealed class ColumnConcatenatingEstimator : IEstimator<ColumnConcatenatingTransformer>
{
    private readonly IHost _host;
    private readonly string _output;
    private readonly string[] _inputs;

    internal ColumnConcatenatingEstimator(IHostEnvironment env, string outputColumnName, string[] inputColumnNames)
    {
        _host = env.Register(nameof(ColumnConcatenatingEstimator));
        Guard.NotEmpty(outputColumnName, nameof(outputColumnName), _host);
        Guard.NotNull(inputColumnNames, nameof(inputColumnNames), _host);
        Guard.Argument(inputColumnNames.Length > 0, nameof(inputColumnNames), "Input columns not specified", _host);
        Guard.Argument(!inputColumnNames.Any(string.IsNullOrEmpty), nameof(inputColumnNames), "Contained some null or empty items", _host);
        _output = outputColumnName;
        _inputs = inputColumnNames;
    }

    public ColumnConcatenatingTransformer Fit(IDataView input)
    {
        Guard.NotNull(input, nameof(input), _host);
        return new ColumnConcatenatingTransformer(_host, _output, _inputs);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Guard.NotNull(inputSchema, nameof(inputSchema), _host);
        Dictionary<string, SchemaShape.Column> columns = inputSchema.ToDictionary(column => column.Name);
        columns[_output] = Joined([.. _inputs.Select(name => Find(inputSchema, name))]);
        return new SchemaShape(columns.Values);
    }

    private static bool IsNormalized(SchemaShape.Column column) =>
        column.Annotations.TryFindColumn(AnnotationKinds.IsNormalized, out SchemaShape.Column found)
        && found.Kind == VectorKind.Scalar
        && found.ItemType is BooleanDataViewType;

    private static bool NamesSlots(SchemaShape.Column column) =>
        column.Kind == VectorKind.Scalar
        || (column.Kind == VectorKind.Vector
            && column.Annotations.TryFindColumn(AnnotationKinds.SlotNames, out SchemaShape.Column found)
            && found.Kind == VectorKind.Vector
            && found.ItemType is TextDataViewType);

    private SchemaShape.Column Find(SchemaShape schema, string name)
    {
        if (!schema.TryFindColumn(name, out SchemaShape.Column column))
            throw Fail.MissingColumn("inputSchema", "input", name, _host);
        return column;
    }

    private SchemaShape.Column Joined(SchemaShape.Column[] sources)
    {
        DataViewType itemType = sources[0].ItemType;
        foreach (SchemaShape.Column source in sources)
        {
            if (source.IsKey)
                throw Fail.State($"Column '{source.Name}' is key. Concatenation of keys is unsupported.", context: _host);
            if (!source.ItemType.Equals(itemType))
                throw Fail.State($"Concatenated columns should have the same type. Column '{source.Name}' has type of {source.ItemType}, but expected column type is {itemType}.", context: _host);
        }
        var annotations = new List<SchemaShape.Column>();
        if (sources.All(IsNormalized))
            annotations.Add(new SchemaShape.Column(AnnotationKinds.IsNormalized, VectorKind.Scalar, BooleanDataViewType.Instance, isKey: false));
        if (sources.Any(NamesSlots))
            annotations.Add(new SchemaShape.Column(AnnotationKinds.SlotNames, VectorKind.Vector, TextDataViewType.Instance, isKey: false));
        VectorKind kind = sources.Any(source => source.Kind == VectorKind.VariableVector) ? VectorKind.VariableVector : VectorKind.Vector;
        return new SchemaShape.Column(_output, kind, itemType, isKey: false, new SchemaShape(annotations));
    }
}
