using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>The columns of a row class with the members behind them, checked.</summary>
internal sealed class RowLayout
{
    private RowLayout(IReadOnlyList<RowColumn> columns) => Columns = columns;

    public IReadOnlyList<RowColumn> Columns { get; }

    public DataViewSchema ToSchema()
    {
        var builder = new DataViewSchema.Builder();
        foreach (RowColumn column in Columns)
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        return builder.ToSchema();
    }

    public static RowLayout Create(Type userType, SchemaDefinition definition, SchemaDefinition.Direction direction) =>
        new([.. (definition ?? SchemaDefinition.Create(userType, direction)).Select(column => RowColumn.Create(userType, column))]);

    /// <summary>The definition that gives a class the types and annotations of a schema.</summary>
    public static SchemaDefinition DefinitionFor(Type userType, DataViewSchema schema)
    {
        SchemaDefinition definition = SchemaDefinition.Create(userType, SchemaDefinition.Direction.Read);
        foreach (DataViewSchema.Column column in schema)
        {
            SchemaDefinition.Column own = definition[column.Name] ?? throw Fail.State($"Type should contain a member named {column.Name}");
            own.ColumnType = column.Type;
            foreach (DataViewSchema.Column annotation in column.Annotations.Schema)
                own.SetAnnotation(annotation.Name, annotation.Type, AnnotationGetter(column.Annotations, annotation));
        }
        return definition;
    }

    private static Delegate AnnotationGetter(DataViewSchema.Annotations annotations, DataViewSchema.Column annotation) =>
        (Delegate)Getters.Call(typeof(DataViewSchema.Annotations).GetMethod(nameof(DataViewSchema.Annotations.GetGetter)), annotations, annotation.Type.RawType, annotation);
}

/// <summary>One column of a row class.</summary>
internal sealed record RowColumn(string Name, DataViewType Type, MemberInfo Member, DataViewSchema.Annotations Annotations)
{
    public Type MemberType => MemberTypes.ValueTypeOf(Member);

    public static RowColumn Create(Type userType, SchemaDefinition.Column column)
    {
        MemberInfo member = (MemberInfo)userType.GetField(column.MemberName) ?? userType.GetProperty(column.MemberName);
        Guard.Argument(member is not null, "userSchemaDefinition", $"No field or property with name '{column.MemberName}' found in type '{userType.FullName}'");
        (Type item, bool isVector) = MemberTypes.UnfoldKnown(member);
        string name = string.IsNullOrEmpty(column.ColumnName) ? column.MemberName : column.ColumnName;
        return new RowColumn(name, TypeOf(column, name, item, isVector), member, column.Annotations);
    }

    private static DataViewType TypeOf(SchemaDefinition.Column column, string name, Type item, bool isVector)
    {
        if (column.ColumnType is null)
            return isVector ? new VectorDataViewType(BuiltInTypes.Of(item)) : BuiltInTypes.Of(item);
        var vector = column.ColumnType as VectorDataViewType;
        Guard.Argument(isVector == vector is not null, "userSchemaDefinition",
            $"Column '{name}' is supposed to be {(vector is null ? "scalar" : "vector")}, " +
            $"but type of associated field '{column.MemberName}' is {(isVector ? "vector" : "scalar")}");
        Type expected = (vector?.ItemType ?? column.ColumnType).RawType;
        Guard.Argument(expected == item, "userSchemaDefinition",
            $"Column '{name}' is supposed to have item type {expected}, but associated field has type {item}");
        return column.ColumnType;
    }
}
