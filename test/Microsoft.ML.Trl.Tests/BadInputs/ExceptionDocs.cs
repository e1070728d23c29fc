using System.Reflection;
using System.Xml.Linq;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Which exceptions the documentation file of the library names.</summary>
internal static class ExceptionDocs
{
    private static readonly Dictionary<string, XElement> Members =
        XDocument.Load(Path.ChangeExtension(typeof(TrlCatalog).Assembly.Location, ".xml"))
            .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    private static readonly HashSet<string> PublicMethods =
        [.. typeof(TrlCatalog).Assembly.ExportedTypes.SelectMany(PublicEntries.Declared).Select(Id)];

    /// <summary>What the documentation lacks for an entry; null when every overload names the exception or a base class of it.</summary>
    public static string? Lacking(BadInput input)
    {
        string[] members = [.. Members.Keys.Where(id => IsMeant(id, input.Member) && IsPublic(id))];
        if (members.Length == 0)
            return $"{input}: the documentation has no {input.Member}";
        if (input.Exception == typeof(ArgumentNullException))
            return null; // the one rule that needs no tag: null is refused so wherever the signature does not allow it
        string[] lacking = [.. members.Where(id => !IsNamed(input.Exception, Named(id)))];
        return lacking.Length == 0 ? null : $"{string.Join(", ", lacking)} names no {input.Exception.Name}";
    }

    // An id is a letter for the kind, a colon, the namespace, the name and the parameters.
    private static bool IsMeant(string id, string member) =>
        member.Contains('(', StringComparison.Ordinal)
            ? id.Contains("." + member, StringComparison.Ordinal)
            : WithoutArity(id.Split('(')[0]).EndsWith("." + member, StringComparison.Ordinal);

    private static bool IsPublic(string id) => id[0] != 'M' || PublicMethods.Contains(id);

    /// <summary>The name of a method in a documentation file (ECMA-334, annex D.4).</summary>
    private static string Id(MethodBase method)
    {
        string name = method.IsConstructor ? "#ctor" : method.Name;
        string arity = method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "";
        string parameters = string.Join(',', method.GetParameters().Select(parameter => Id(parameter.ParameterType)));
        return $"M:{Id(method.DeclaringType!)}.{name}{arity}{(parameters.Length == 0 ? "" : $"({parameters})")}";
    }

    private static string Id(Type type)
    {
        if (type.IsArray)
            return Id(type.GetElementType()!) + "[]";
        if (type.IsByRef)
            return Id(type.GetElementType()!) + "@";
        if (type.IsGenericParameter)
            return $"``{type.GenericParameterPosition}";
        string name = (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Split('`')[0].Replace('+', '.');
        return type.IsGenericType ? $"{name}{{{string.Join(',', type.GetGenericArguments().Select(Id))}}}" : name;
    }

    private static string WithoutArity(string name) =>
        name.Contains("``", StringComparison.Ordinal) ? name[..name.IndexOf("``", StringComparison.Ordinal)] : name;

    private static bool IsNamed(Type exception, HashSet<string> named)
    {
        for (Type? type = exception; type is not null && type != typeof(SystemException); type = type.BaseType)
            if (named.Contains("T:" + type.FullName))
                return true;
        return false;
    }

    /// <summary>Exceptions of a member; of a type, what its text refers to. What is inherited from another member counts.</summary>
    private static HashSet<string> Named(string id)
    {
        XElement member = Members[id];
        string tag = id.StartsWith("T:", StringComparison.Ordinal) ? "see" : "exception";
        HashSet<string> named = [.. References(member, tag)];
        foreach (string other in References(member, "inheritdoc"))
            named.UnionWith(Named(other));
        return named;
    }

    private static IEnumerable<string> References(XElement member, string tag) =>
        member.Descendants(tag).Select(found => found.Attribute("cref")?.Value).OfType<string>();
}
