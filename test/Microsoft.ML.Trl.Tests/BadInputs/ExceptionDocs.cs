using System.Xml.Linq;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Which exceptions the documentation file of the library names.</summary>
internal static class ExceptionDocs
{
    private static readonly IReadOnlyDictionary<string, XElement> Members =
        XDocument.Load(Path.ChangeExtension(typeof(TrlCatalog).Assembly.Location, ".xml"))
            .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>What the documentation lacks for an entry; null when every overload names the exception or a base class of it.</summary>
    public static string? Lacking(BadInput input)
    {
        string[] members = [.. Members.Keys.Where(id => IsMeant(id, input.Member))];
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
