using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>A JSON object whose fields are read with their kind checked.</summary>
internal sealed record JsonFields(JsonObject Object, string Source)
{
    public static JsonFields Parse(string json, string source)
    {
        try
        {
            JsonNode? root = StrictJson.Node(json);
            return new JsonFields(root as JsonObject ?? throw new InvalidDataException($"{source} is not a JSON object."), source);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{source} is not JSON: {error.Message}", error);
        }
    }

    public bool Has(string key) => Object.ContainsKey(key);
    public JsonFields Nothing() => new([], Source);

    public JsonFields? Nested(string key) => Object[key] switch
    {
        null => null,
        JsonObject nested => new JsonFields(nested, $"{Source}, {key}"),
        JsonNode other => throw Wrong(key, other, "an object"),
    };

    public string? Text(string key) => Object[key] switch
    {
        null => null,
        JsonValue value when value.TryGetValue(out string? text) => text,
        JsonNode other => throw Wrong(key, other, "a text"),
    };

    public bool Flag(string key, bool otherwise) => Object[key] switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue(out bool flag) => flag,
        JsonNode other => throw Wrong(key, other, "true or false"),
    };

    public double Number(string key, double otherwise) => Object[key] switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue(out double number) && double.IsFinite(number) => number,
        JsonNode other => throw Wrong(key, other, "a number"),
    };

    public double? OptionalNumber(string key) => Object[key] is null ? null : Number(key, 0);
    public int Integer(string key, int otherwise) => OptionalInteger(key) ?? otherwise;
    public int? OptionalInteger(string key) => Object[key] is { } node ? Whole(key, node) : null;

    public IReadOnlyList<int> Integers(string key) => Object[key] switch
    {
        null => [],
        JsonArray many => [.. many.Select(node => Whole(key, node ?? throw Wrong(key, many, "whole numbers")))],
        JsonNode one => [Whole(key, one)],
    };

    public IReadOnlyList<double> Numbers(string key) => Object[key] switch
    {
        null => [],
        JsonArray many => [.. many.Select(node =>
            node is JsonValue value && value.TryGetValue(out double number) && double.IsFinite(number)
                ? number
                : throw Wrong(key, many, "a list of numbers"))],
        JsonNode other => throw Wrong(key, other, "a list of numbers"),
    };

    /// <summary>Per block, whether <c>layer_types</c> gives it a window; null where the key is absent.</summary>
    public IReadOnlyList<bool>? LayerTypes() => Object["layer_types"] switch
    {
        null => null,
        JsonArray types => [.. types.Select(type => type?.ToString() == "sliding_attention")],
        JsonNode other => throw Wrong("layer_types", other, "a list of texts"),
    };

    private int Whole(string key, JsonNode node)
    {
        if (node is JsonValue value)
        {
            if (value.TryGetValue(out int whole))
                return whole;
            if (value.TryGetValue(out double number) && number == Math.Floor(number) && Math.Abs(number) <= int.MaxValue)
                return (int)number; // some files write 8192.0
        }
        throw Wrong(key, node, "a whole number");
    }

    private InvalidDataException Wrong(string key, JsonNode node, string allowed) =>
        new($"{Source}: {key} is {node.ToJsonString()}; {allowed} is allowed.");
}
