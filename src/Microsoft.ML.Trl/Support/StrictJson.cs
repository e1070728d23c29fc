using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Support;

/// <summary>
/// Reads JSON of other people's files, of which every text can be taken out. <see cref="JsonDocument"/> by itself accepts the escape of
/// half a surrogate pair, which is no character, and fails where the text is read.
/// </summary>
internal static class StrictJson
{
    private const int EscapeLength = 6; // \ud800

    private static readonly JsonDocumentOptions Unique = new() { AllowDuplicateProperties = false };

    /// <summary>A document. The caller disposes it.</summary>
    /// <exception cref="JsonException">It is no JSON, or a text has half of a surrogate pair.</exception>
    public static JsonDocument Document(string json)
    {
        Check(json);
        return JsonDocument.Parse(json);
    }

    /// <summary>A value whose objects have each key once; null for JSON's null.</summary>
    /// <exception cref="JsonException">It is no such JSON, or a text has half of a surrogate pair.</exception>
    public static JsonNode? Node(string json)
    {
        Check(json);
        return JsonNode.Parse(json, documentOptions: Unique);
    }

    /// <summary>An object whose keys stand there once each.</summary>
    /// <exception cref="JsonException">It is no such JSON, or a text has half of a surrogate pair.</exception>
    public static JsonObject Object(string json) => Node(json) as JsonObject ?? throw new JsonException("It is not a JSON object.");

    private static void Check(string json)
    {
        for (int at = json.IndexOf('\\'); at >= 0 && at + 1 < json.Length; at = json.IndexOf('\\', at))
        {
            int length = json[at + 1] == 'u' ? EscapeLength : 2;
            if (Escaped(json, at) is { } unit && char.IsSurrogate(unit))
            {
                if (!char.IsHighSurrogate(unit) || Escaped(json, at + EscapeLength) is not { } next || !char.IsLowSurrogate(next))
                    throw new JsonException($"The text at {at} has half of a surrogate pair ({json.AsSpan(at, EscapeLength)}).");
                length += EscapeLength;
            }
            at = Math.Min(at + length, json.Length);
        }
    }

    /// <summary>The unit that is escaped at a place; null where none is.</summary>
    private static char? Escaped(string json, int at)
    {
        if (at + EscapeLength > json.Length || json[at] != '\\' || json[at + 1] != 'u')
            return null;
        ReadOnlySpan<char> digits = json.AsSpan(at + 2, EscapeLength - 2);
        return ushort.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit) ? (char)unit : null;
    }
}
