using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Finds the columns that a stage reads, and says by name and role (such as <c>prompt</c>) what does not fit.</summary>
internal static class InputColumns
{
    private const string AnyLabel = "Text, a key, Boolean or a number", AnyFlag = "Boolean or a number", AnyVector = "a vector of Single";
    private const string AnyFlags = "a vector of Boolean or Single";

    /// <summary>A text column that must be there.</summary>
    public static DataViewSchema.Column Text(DataViewSchema schema, string name, string role) =>
        TextOrNull(schema, name, role) ?? throw MissingText(schema, name, role);

    /// <summary>The error that says that there is no such text column.</summary>
    public static Exception MissingText(DataViewSchema schema, string name, string role) => Missing(name, role, "Text", Visible(schema));

    /// <summary>A text column, or null when there is no column of that name.</summary>
    public static DataViewSchema.Column? TextOrNull(DataViewSchema schema, string name, string role)
    {
        DataViewSchema.Column? found = schema.GetColumnOrNull(name);
        return found is not { Type: not TextDataViewType } wrong ? found : throw Mismatch(name, role, "Text", wrong.Type.ToString()!);
    }

    /// <summary>A column of numbers that must be there.</summary>
    public static DataViewSchema.Column Number(DataViewSchema schema, string name, string role)
    {
        DataViewSchema.Column column = schema.GetColumnOrNull(name) ?? throw Missing(name, role, "a number", Visible(schema));
        return column.Type is NumberDataViewType ? column : throw Mismatch(name, role, "a number", column.Type.ToString()!);
    }

    /// <summary>A column of labels that must be there: text, a key, true or false, or a number.</summary>
    public static DataViewSchema.Column Label(DataViewSchema schema, string name)
    {
        DataViewSchema.Column column = schema.GetColumnOrNull(name) ?? throw Missing(name, "label", AnyLabel, Visible(schema));
        return column.Type is TextDataViewType or BooleanDataViewType or KeyDataViewType or NumberDataViewType
            ? column
            : throw Mismatch(name, "label", AnyLabel, column.Type.ToString()!);
    }

    /// <summary>A column of true and false, or of 1 and 0, that must be there.</summary>
    public static DataViewSchema.Column Flag(DataViewSchema schema, string name, string role)
    {
        DataViewSchema.Column column = schema.GetColumnOrNull(name) ?? throw Missing(name, role, AnyFlag, Visible(schema));
        return column.Type is BooleanDataViewType or NumberDataViewType
            ? column
            : throw Mismatch(name, role, AnyFlag, column.Type.ToString()!);
    }

    /// <summary>A column of vectors of one length that must be there.</summary>
    public static DataViewSchema.Column Vector(DataViewSchema schema, string name, string role)
    {
        DataViewSchema.Column column = schema.GetColumnOrNull(name) ?? throw Missing(name, role, AnyVector, Visible(schema));
        return column.Type is VectorDataViewType { IsKnownSize: true } type && type.ItemType == NumberDataViewType.Single
            ? column
            : throw Mismatch(name, role, AnyVector, column.Type.ToString()!);
    }

    /// <summary>A column of vectors of true and false, or of 1 and 0, that must be there.</summary>
    public static DataViewSchema.Column Flags(DataViewSchema schema, string name, string role)
    {
        DataViewSchema.Column column = schema.GetColumnOrNull(name) ?? throw Missing(name, role, AnyFlags, Visible(schema));
        return column.Type is VectorDataViewType { ItemType: var item }
            && (item is BooleanDataViewType || item == NumberDataViewType.Single)
            ? column
            : throw Mismatch(name, role, AnyFlags, column.Type.ToString()!);
    }

    /// <summary>Whether a pipeline promises a column of vectors of true and false, or of numbers.</summary>
    public static void RequireFlags(SchemaShape shape, string name, string role)
    {
        SchemaShape.Column column = Last(shape, name, role, AnyFlags);
        if (!(column.ItemType is BooleanDataViewType || column.ItemType == NumberDataViewType.Single)
            || column.Kind == SchemaShape.Column.VectorKind.Scalar)
            throw Mismatch(name, role, AnyFlags, TypeOf(column));
    }

    /// <summary>Whether a pipeline promises a column of true and false, or of numbers.</summary>
    public static void RequireFlag(SchemaShape shape, string name, string role)
    {
        SchemaShape.Column column = Last(shape, name, role, AnyFlag);
        if (column.ItemType is not (BooleanDataViewType or NumberDataViewType) || column.IsKey
            || column.Kind != SchemaShape.Column.VectorKind.Scalar)
            throw Mismatch(name, role, AnyFlag, TypeOf(column));
    }

    /// <summary>Whether a pipeline promises a column of vectors.</summary>
    public static void RequireVector(SchemaShape shape, string name, string role)
    {
        SchemaShape.Column column = Last(shape, name, role, AnyVector);
        if (column.ItemType != NumberDataViewType.Single || column.Kind != SchemaShape.Column.VectorKind.Vector)
            throw Mismatch(name, role, AnyVector, TypeOf(column));
    }

    /// <summary>Whether a pipeline promises a column of labels.</summary>
    public static void RequireLabel(SchemaShape shape, string name)
    {
        SchemaShape.Column[] found = [.. shape.Where(column => column.Name == name)];
        if (found.Length == 0)
            throw Missing(name, "label", AnyLabel, shape.Select(column => column.Name));
        if (found[^1].Kind != SchemaShape.Column.VectorKind.Scalar
            || found[^1].ItemType is not (TextDataViewType or BooleanDataViewType or NumberDataViewType))
            throw Mismatch(name, "label", AnyLabel, TypeOf(found[^1]));
    }

    /// <summary>The same check before anything was fitted: of what a pipeline promises.</summary>
    public static void RequireText(SchemaShape shape, string name, string role)
    {
        if (!HasText(shape, name, role))
            throw Missing(name, role, "Text", shape.Select(column => column.Name));
    }

    /// <summary>Whether a pipeline promises a column of that name; it must then be text.</summary>
    public static bool HasText(SchemaShape shape, string name, string role)
    {
        foreach (SchemaShape.Column column in shape.Where(column => column.Name == name))
            return column is { ItemType: TextDataViewType, Kind: SchemaShape.Column.VectorKind.Scalar }
                ? true
                : throw Mismatch(name, role, "Text", TypeOf(column));
        return false;
    }

    /// <summary>Whether a pipeline promises a column of numbers.</summary>
    public static void RequireNumber(SchemaShape shape, string name, string role)
    {
        SchemaShape.Column[] found = [.. shape.Where(column => column.Name == name)];
        if (found.Length == 0)
            throw Missing(name, role, "a number", shape.Select(column => column.Name));
        if (found[^1].ItemType is not NumberDataViewType || found[^1].IsKey || found[^1].Kind != SchemaShape.Column.VectorKind.Scalar)
            throw Mismatch(name, role, "a number", TypeOf(found[^1]));
    }

    private static SchemaShape.Column Last(SchemaShape shape, string name, string role, string expected)
    {
        SchemaShape.Column[] found = [.. shape.Where(column => column.Name == name)];
        return found.Length > 0 ? found[^1] : throw Missing(name, role, expected, shape.Select(column => column.Name));
    }

    private static string TypeOf(SchemaShape.Column column) =>
        column.Kind == SchemaShape.Column.VectorKind.Scalar ? column.ItemType.ToString()! : $"Vector<{column.ItemType}>";

    private static IEnumerable<string> Visible(DataViewSchema schema) =>
        schema.Where(column => !column.IsHidden).Select(column => column.Name);

    private static ArgumentOutOfRangeException Mismatch(string name, string role, string expected, string actual) =>
        new(nameof(name), $"Schema mismatch for {role} column '{name}': expected {expected}, got {actual}. {Advice(role)}.");

    private static ArgumentOutOfRangeException Missing(string name, string role, string expected, IEnumerable<string> present) =>
        new(
            nameof(name),
            $"Schema mismatch for {role} column '{name}': expected {expected}, but there is no such column; "
            + $"the columns are {string.Join(", ", present.Distinct())}. {Advice(role)}, or add it.");

    // The options are called after the roles; those of rewards are parameters.
    private static string Advice(string role)
    {
        string option = role switch
        {
            "reward" => "scoreColumnName",
            "solution" => "solutionColumnName",
            _ => $"{char.ToUpperInvariant(role[0])}{role[1..]}ColumnName",
        };
        return $"Set {option} to the column that is meant";
    }
}
