using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Templates;

/// <summary>JSON as the values of a template. Whole numbers and floats stay what they are: 1 and 1.0 are printed differently.</summary>
internal static class JsonValues
{
    private const int MostLevels = 256;

    /// <exception cref="ArgumentException">It is nested too deeply, or has a value that JSON does not have.</exception>
    public static object Of(JsonNode? node, int level = 0) => node switch
    {
        null => NoneValue.Instance,
        _ when level > MostLevels => throw TooDeep(),
        JsonArray array => new ListValue([.. array.Select(item => Of(item, level + 1))]),
        JsonObject entries => Dict(entries.Select(entry => (entry.Key, Of(entry.Value, level + 1)))),
        JsonValue value when value.TryGetValue(out JsonElement element) => Of(element, level),
        JsonValue value => Simple(value),
        _ => throw new ArgumentException($"A {node.GetType().Name} is no JSON value that a template can read."),
    };

    /// <exception cref="ArgumentException">It is nested too deeply, or has a text that is none.</exception>
    public static object Of(JsonElement element, int level = 0) => element.ValueKind switch
    {
        _ when level > MostLevels => throw TooDeep(),
        JsonValueKind.Array => new ListValue([.. element.EnumerateArray().Select(item => Of(item, level + 1))]),
        JsonValueKind.Object => Dict(element.EnumerateObject().Select(entry => (entry.Name, Of(entry.Value, level + 1)))),
        JsonValueKind.String => Text(element),
        JsonValueKind.Number => Number(element.GetRawText()),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => NoneValue.Instance,
    };

    private static DictValue Dict(IEnumerable<(string Key, object Value)> entries)
    {
        var dict = new DictValue();
        foreach ((string key, object value) in entries)
            dict.Set(key, value);
        return dict;
    }

    private static string Text(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException cause)
        {
            throw new ArgumentException($"A text of the JSON has half of a surrogate pair, which is no character: {cause.Message}", cause);
        }
    }

    private static object Number(string text)
    {
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
            return double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return text.Length <= PythonNumbers.MostDigits
            ? BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)
            : throw new ArgumentException($"A number of the JSON has {text.Length} digits; allowed are {PythonNumbers.MostDigits}.");
    }

    // a value that was made in memory
    private static object Simple(JsonValue value) => value switch
    {
        _ when value.TryGetValue(out string? text) => text,
        _ when value.TryGetValue(out bool flag) => flag,
        _ when value.TryGetValue(out double real) => real,
        _ when value.TryGetValue(out float real) => (double)real,
        _ when value.TryGetValue(out decimal real) => (double)real,
        _ when value.GetValueKind() == JsonValueKind.String => (string)JsonNode.Parse(value.ToJsonString())!,
        _ => Number(value.ToJsonString()),
    };

    private static ArgumentException TooDeep()
        => new($"The JSON is nested in more than {MostLevels} levels; give messages, tools and documents as they are meant.");
}
