using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>What a .NET member means as a column.</summary>
internal static class MemberTypes
{
    public static Type ValueTypeOf(MemberInfo member) => member switch
    {
        FieldInfo field => field.FieldType,
        PropertyInfo property => property.PropertyType,
        _ => throw Fail.NotSupported("Expected a FieldInfo or a PropertyInfo"),
    };

    /// <summary>False for members that are never columns: constants, channels and those that opted out.</summary>
    public static bool IsColumn(MemberInfo member) =>
        ValueTypeOf(member) != typeof(Runtime.IChannel)
        && member is not FieldInfo { IsLiteral: true }
        && member.GetCustomAttribute<NoColumnAttribute>() is null;

    /// <summary>Arrays and vector buffers are vectors; a string is text.</summary>
    public static (Type Item, bool IsVector) Unfold(Type type)
    {
        bool isBuffer = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>);
        Type item = type.IsArray ? type.GetElementType() : isBuffer ? type.GetGenericArguments()[0] : type;
        return (item == typeof(string) ? typeof(ReadOnlyMemory<char>) : item, type.IsArray || isBuffer);
    }

    /// <summary>As <see cref="Unfold"/>, but an item type that is neither built in nor registered is an error.</summary>
    public static (Type Item, bool IsVector) UnfoldKnown(string name, Type type, IEnumerable<Attribute> attributes)
    {
        (Type item, bool isVector) = Unfold(type);
        Guard.Argument(BuiltInTypes.OrNull(item) is not null || DataViewTypeManager.Knows(item, attributes), "rawType",
            $"Could not determine an IDataView type and registered custom types for member {name}");
        return (item, isVector);
    }

    public static (Type Item, bool IsVector) UnfoldKnown(MemberInfo member) =>
        UnfoldKnown(member.Name, ValueTypeOf(member), member.GetCustomAttributes());
}
