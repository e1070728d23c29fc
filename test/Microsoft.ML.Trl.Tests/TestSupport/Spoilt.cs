using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>A JSON text with one of its values replaced, for every value and several replacements.</summary>
internal static class Spoilt
{
    private static readonly string[] Junk = ["null", "[]", "{}", "[null]", "\"\"", "\"x\"", "-1", "2000000000", "1e300", "0.5", "true"];

    public static IEnumerable<(string What, string Json)> Variants(string json)
    {
        string[][] places = [.. Places(JsonNode.Parse(json)!, [])];
        foreach (string[] place in places)
            foreach (string junk in Junk)
                yield return ($"{string.Join(".", place)} = {junk}", Replaced(JsonNode.Parse(json)!, place, junk));
    }

    private static IEnumerable<string[]> Places(JsonNode? node, string[] at)
    {
        yield return at;
        IEnumerable<(string, JsonNode?)> children = node switch
        {
            JsonObject many => many.Select(pair => (pair.Key, pair.Value)),
            JsonArray many => many.Select((child, index) => (index.ToString(System.Globalization.CultureInfo.InvariantCulture), child)),
            _ => [],
        };
        foreach ((string key, JsonNode? child) in children)
            foreach (string[] place in Places(child, [.. at, key]))
                yield return place;
    }

    private static string Replaced(JsonNode root, string[] place, string junk)
    {
        if (place.Length == 0)
            return junk;
        JsonNode owner = place[..^1].Aggregate(root, (node, key) => node is JsonArray many ? many[Number(key)]! : node[key]!);
        if (owner is JsonArray array)
            array[Number(place[^1])] = JsonNode.Parse(junk);
        else
            owner[place[^1]] = JsonNode.Parse(junk);
        return root.ToJsonString();
    }

    private static int Number(string key) => int.Parse(key, System.Globalization.CultureInfo.InvariantCulture);
}
