using System.Text.Json;

namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>Reads the schemas of <see cref="TextConstraint.JsonSchema"/>.</summary>
internal static class JsonSchemaReader
{
    private static readonly string[] Annotations =
        ["$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];

    private static readonly Dictionary<string, string[]> KeywordsOfTypes = new()
    {
        ["object"] = ["properties", "required", "additionalProperties"],
        ["array"] = ["items", "minItems", "maxItems"],
        ["string"] = ["minLength", "maxLength"],
        ["number"] = [], ["integer"] = [], ["boolean"] = [], ["null"] = [],
    };

    private static readonly string[] Alone = ["enum", "const", "anyOf"];

    /// <exception cref="ArgumentException">It is no schema, or contradicts itself; the message says where.</exception>
    /// <exception cref="NotSupportedException">It has a keyword that is not supported; the message names it.</exception>
    public static PatternNode Read(string schema)
    {
        JsonDocument document;
        try
        {
            document = StrictJson.Document(schema);
        }
        catch (JsonException cause)
        {
            throw new ArgumentException($"The schema is no JSON: {cause.Message}", nameof(schema), cause);
        }
        using (document)
            return Read(document.RootElement, "$");
    }

    private static PatternNode Read(JsonElement schema, string path)
    {
        if (schema.ValueKind != JsonValueKind.Object)
            throw Wrong(path, $"is {Text(schema)}; a schema must be an object");
        HashSet<string> keywords = [];
        foreach (string keyword in schema.EnumerateObject().Select(keyword => keyword.Name).Where(name => !Annotations.Contains(name)))
            if (!keywords.Add(keyword))
                throw Wrong(path, $"has {keyword} twice");
        CheckKnown(keywords, path);
        string[] alone = [.. Alone.Where(keywords.Contains)];
        string[] types = Types(schema, path);
        if (alone.Length > 0)
            return ReadAlone(schema, alone[0], keywords, types, path);
        if (types.Length == 0)
            throw Wrong(path, "allows any value; give it a type, enum, const or anyOf");
        CheckOfTypes(keywords, types, path);
        return Choice(types.Select(type => ReadType(schema, type, path)));
    }

    private static PatternNode ReadType(JsonElement schema, string type, string path) => type switch
    {
        "object" => ReadObject(schema, path),
        "array" => ReadArray(schema, path),
        "string" => ReadString(schema, path),
        "number" => JsonPatterns.Number,
        "integer" => JsonPatterns.Integer,
        "boolean" => JsonPatterns.Boolean,
        _ => JsonPatterns.Null,
    };

    private static PatternNode ReadString(JsonElement schema, string path)
    {
        (int least, int? most) = Bounds(schema, "minLength", "maxLength", path);
        return JsonPatterns.String(least, most);
    }

    private static PatternNode ReadObject(JsonElement schema, string path)
    {
        if (!schema.TryGetProperty("properties", out JsonElement properties) || properties.ValueKind != JsonValueKind.Object)
            throw Wrong(path, "is an object without properties; list them in properties, {} for none");
        string[] required = [.. List(schema, "required", path).Select(name => Name(name, path + ".required"))];
        JsonProperty[] listed = [.. properties.EnumerateObject()];
        string[] names = [.. listed.Select(property => property.Name)];
        if (names.Distinct().Count() < names.Length)
            throw Wrong(path, "has a property twice");
        if (required.Except(names).FirstOrDefault() is { } unknown)
            throw Wrong(path, $"requires '{unknown}', which is not among its properties");
        if (schema.TryGetProperty("additionalProperties", out JsonElement others)
            && others.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            throw new NotSupportedException(
                $"additionalProperties at {path} is {Text(others)}; only true and false are supported: no other properties are written.");
        return JsonPatterns.Object(listed.Select(
            property => (property.Name, Read(property.Value, $"{path}.{property.Name}"), required.Contains(property.Name))));
    }

    private static PatternNode ReadArray(JsonElement schema, string path)
    {
        if (!schema.TryGetProperty("items", out JsonElement items))
            throw Wrong(path, "is an array without items; say in items what they are");
        (int least, int? most) = Bounds(schema, "minItems", "maxItems", path);
        return JsonPatterns.Array(Read(items, path + "[]"), least, most);
    }

    private static PatternNode ReadAlone(JsonElement schema, string keyword, HashSet<string> keywords, string[] types, string path)
    {
        if (keywords.Except([keyword]).FirstOrDefault(name => name != "type" || keyword == "anyOf") is { } other)
            throw new NotSupportedException($"{keyword} together with {other} at {path} is not supported; leave one of them out.");
        if (keyword == "anyOf")
            return Choice(NotEmpty(schema, keyword, path).Select((option, i) => Read(option, $"{path}.anyOf[{i}]")));
        JsonElement[] values = keyword == "const" ? [schema.GetProperty(keyword)] : NotEmpty(schema, keyword, path);
        JsonElement[] fitting = [.. values.Where(value => types.Length == 0 || types.Any(type => IsOf(value, type)))];
        return fitting.Length > 0 ? Choice(fitting.Select(JsonPatterns.Constant))
            : throw Wrong(path, $"has no value in {keyword} that is of type {string.Join(" or ", types)}");
    }

    private static PatternNode Choice(IEnumerable<PatternNode> options)
    {
        PatternNode[] all = [.. options];
        return all.Length == 1 ? all[0] : new ChoiceNode(all);
    }

    private static string[] Types(JsonElement schema, string path)
    {
        if (!schema.TryGetProperty("type", out JsonElement type))
            return [];
        string[] types = type.ValueKind == JsonValueKind.Array
            ? [.. NotEmpty(schema, "type", path).Select(name => Name(name, path + ".type"))]
            : [Name(type, path + ".type")];
        return types.FirstOrDefault(name => !KeywordsOfTypes.ContainsKey(name)) is { } unknown
            ? throw Wrong(path, $"has the type '{unknown}'; types are {string.Join(", ", KeywordsOfTypes.Keys)}")
            : types;
    }

    private static bool IsOf(JsonElement value, string type) => value.ValueKind switch
    {
        JsonValueKind.Object => type == "object",
        JsonValueKind.Array => type == "array",
        JsonValueKind.String => type == "string",
        JsonValueKind.Number => type == "number" || (type == "integer" && value.TryGetDecimal(out decimal n) && decimal.IsInteger(n)),
        JsonValueKind.Null => type == "null",
        _ => type == "boolean",
    };

    private static void CheckKnown(IEnumerable<string> keywords, string path)
    {
        string[] known = [.. Alone, "type", .. KeywordsOfTypes.Values.SelectMany(names => names)];
        if (keywords.Except(known).FirstOrDefault() is { } unknown)
            throw new NotSupportedException(
                $"The keyword '{unknown}' at {path} is not supported; supported are "
                + $"{string.Join(", ", known.Order(StringComparer.Ordinal))}.");
    }

    private static void CheckOfTypes(IEnumerable<string> keywords, string[] types, string path)
    {
        string[] known = ["type", .. types.SelectMany(type => KeywordsOfTypes[type])];
        if (keywords.Except(known).FirstOrDefault() is { } other)
            throw Wrong(path, $"has {other}, which means nothing for type {string.Join(" or ", types)}");
    }

    private static (int Least, int? Most) Bounds(JsonElement schema, string least, string most, string path)
    {
        (int low, int? high) = (Count(schema, least, path) ?? 0, Count(schema, most, path));
        return high < low ? throw Wrong(path, $"has {most} ({high}) below {least} ({low})") : (low, high);
    }

    private static int? Count(JsonElement schema, string keyword, string path)
    {
        if (!schema.TryGetProperty(keyword, out JsonElement value))
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count >= 0 ? count
            : throw Wrong(path, $"has {keyword} {Text(value)}; it must be a whole number, 0 or greater");
    }

    private static JsonElement[] NotEmpty(JsonElement schema, string keyword, string path) =>
        List(schema, keyword, path) is { Length: > 0 } list ? list : throw Wrong(path, $"has an empty {keyword}");

    private static JsonElement[] List(JsonElement schema, string keyword, string path)
    {
        if (!schema.TryGetProperty(keyword, out JsonElement list))
            return [];
        return list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()]
            : throw Wrong(path, $"has {keyword} {Text(list)}; it must be a list");
    }

    private static string Name(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(path, $"is {Text(value)}; it must be a text");

    private static string Text(JsonElement value) => value.GetRawText() is { Length: > 40 } text ? text[..40] + "..." : value.GetRawText();

    private static ArgumentException Wrong(string path, string what) => new($"The schema at {path} {what}.");
}
