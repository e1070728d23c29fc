using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using VectorKind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace Microsoft.ML.Transforms.Text;

/// <summary>What the transformers of text need and give.</summary>
internal static class TextShapes
{
    public static bool IsText(DataViewType type) => BuiltInTypes.ItemTypeOf(type) is TextDataViewType;

    /// <summary>The shape with text columns; vectors have no fixed size.</summary>
    public static SchemaShape Add(IHost host, SchemaShape input, (string Output, string Input)[] pairs, string expected, bool alwaysVector)
    {
        Dictionary<string, SchemaShape.Column> columns = input.ToDictionary(column => column.Name);
        foreach ((string output, string name) in pairs)
        {
            if (!input.TryFindColumn(name, out SchemaShape.Column source))
                throw Fail.MissingColumn("inputSchema", "input", name, host);
            if (source.ItemType is not TextDataViewType)
                throw Fail.SchemaMismatch("inputSchema", "input", name, expected, source.ItemType.ToString(), host);
            VectorKind kind = alwaysVector || source.Kind != VectorKind.Scalar ? VectorKind.VariableVector : VectorKind.Scalar;
            columns[output] = new SchemaShape.Column(output, kind, source.ItemType, isKey: false);
        }
        return new SchemaShape(columns.Values);
    }
}
