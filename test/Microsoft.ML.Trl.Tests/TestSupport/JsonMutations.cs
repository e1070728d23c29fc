using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>JSON texts with their structure changed, each a function of its number.</summary>
internal static class JsonMutations
{
    private const string Half = "half of a surrogate pair"; // the writer refuses what readers may meet

    private static readonly string[] Junk =
    [
        "null", "true", "false", "0", "1", "-1", "2", "0.5", "-0.0", "1e300", "1e999", "-1e-320", "2147483647", "2147483648", "-2147483648",
        "4294967296", "9223372036854775807", "99999999999999999999999999",
        "1000000", "[]", "{}", "[[]]", "[null]", "\"\"", "\"x\"", "\" \"",
        "\"\\u0000\"", $"\"{Half}\"", "\"(a+)+$\"", "\"[\"", "\"{% for %}\"", "{\"type\":\"Sequence\"}", "{\"type\":null}",
    ];

    private static readonly JsonSerializerOptions Written = new() { MaxDepth = 512 };

    /// <summary>The text with one to three changes; of some variants single bytes are changed instead.</summary>
    /// <param name="json">Whole and small.</param>
    /// <param name="number">Which variant.</param>
    public static byte[] Of(string json, int number)
    {
        var random = new Random(number);
        if (random.Next(8) == 0)
            return Mutations.Of(Encoding.UTF8.GetBytes(json), number, start: json.Length);
        JsonNode? root = JsonNode.Parse(json);
        for (int left = random.Next(1, 4); left > 0; left--)
            root = Changed(root, random);
        string text = root is null ? "null" : root.ToJsonString(Written).Replace(Half, "\\ud800", StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(random.Next(16) switch
        {
            0 => text.Replace(":", ": /* */", StringComparison.Ordinal),
            1 => text.Replace("}", ",}", StringComparison.Ordinal),
            2 => text.Insert(Math.Min(1, text.Length), "\"a\":1,\"a\":1,"),
            _ => text,
        });
    }

    private static JsonNode? Changed(JsonNode? root, Random random)
    {
        List<JsonNode> places = [];
        Collect(root, places);
        if (places.Count == 0)
            return Parsed(random);
        JsonNode place = places[random.Next(places.Count)];
        JsonNode? other = random.Next(3) switch
        {
            0 => Parsed(random),
            1 => places[random.Next(places.Count)].DeepClone(),
            _ => Varied(place, random),
        };
        switch (random.Next(4))
        {
            case 0 when place.Parent is JsonObject owner:
                owner.Remove(place.GetPropertyName());
                return root;
            case 0 when place.Parent is JsonArray list:
                list.Remove(place);
                return root;
            case 1 when place.Parent is JsonObject owner && places[random.Next(places.Count)].Parent is JsonObject named:
                string name = named.ElementAt(random.Next(named.Count)).Key;
                owner[name] = other;
                return root;
            case 1 when place.Parent is JsonArray list:
                list.Insert(random.Next(list.Count + 1), other);
                return root;
            default:
                if (place.Parent is null)
                    return other;
                place.ReplaceWith(other);
                return root;
        }
    }

    private static JsonNode? Parsed(Random random) => JsonNode.Parse(Junk[random.Next(Junk.Length)]);

    /// <summary>Something near: the same wrapped, a number beside it, a text of another length.</summary>
    private static JsonNode? Varied(JsonNode place, Random random)
    {
        if (place is JsonValue number && number.GetValueKind() == JsonValueKind.Number && random.Next(4) > 0)
        {
            double value = double.Parse(number.ToJsonString(), CultureInfo.InvariantCulture);
            double factor = random.Next(6) switch { 0 => -1, 1 => 0, 2 => 2, 3 => 1e3, 4 => 1 << 20, _ => 1 };
            double changed = (value * factor) + random.Next(-1, 2);
            return double.IsFinite(changed) ? JsonValue.Create(changed) : null;
        }
        if (place is JsonValue text && text.GetValueKind() == JsonValueKind.String && random.Next(4) > 0)
        {
            string value = (string)text!;
            return random.Next(4) switch
            {
                0 => value[..random.Next(value.Length + 1)],
                1 => string.Concat(Enumerable.Repeat(value, random.Next(1, 40))),
                2 => value.Insert(random.Next(value.Length + 1), ((char)random.Next(0x10000)).ToString()),
                _ => value.ToUpperInvariant(),
            };
        }
        JsonNode wrapped = place.DeepClone();
        for (int levels = random.Next(8) == 0 ? 70 : 1; levels > 0; levels--)
            wrapped = random.Next(2) == 0 ? new JsonArray(wrapped) : new JsonObject { ["type"] = wrapped };
        return wrapped;
    }

    private static void Collect(JsonNode? node, List<JsonNode> places)
    {
        if (node is null)
            return;
        places.Add(node);
        IEnumerable<JsonNode?> children = node switch
        {
            JsonObject many => many.Select(pair => pair.Value),
            JsonArray many => many,
            _ => [],
        };
        foreach (JsonNode? child in children)
            Collect(child, places);
    }
}
