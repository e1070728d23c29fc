using System.Text.Encodings.Web;
using System.Text.Json;

namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>The texts of JSON values (RFC 8259), without blanks but one after a colon or a comma.</summary>
internal static class JsonPatterns
{
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const string Surrogateless = "[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}"; // four digits of no surrogate

    private static readonly PatternNode Character = Regex($"""[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u({Surrogateless})""");

    public static PatternNode Integer { get; } = Regex("-?(0|[1-9][0-9]*)");

    public static PatternNode Number { get; } = Regex(@"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?");

    public static PatternNode Boolean { get; } = Regex("true|false");

    public static PatternNode Null { get; } = PatternNode.Text("null");

    private static readonly PatternNode Comma = Regex(", ?"), Colon = Regex(": ?");

    /// <summary>A text in quotes. Lone surrogates are not written.</summary>
    /// <param name="min">Fewest code points.</param>
    /// <param name="max">Most code points; null = any number.</param>
    public static PatternNode String(int min, int? max) =>
        PatternNode.Sequence(PatternNode.Text("\""), new RepeatNode(Character, min, max), PatternNode.Text("\""));

    /// <summary>A list of values.</summary>
    /// <param name="item">Each of them.</param>
    /// <param name="min">Fewest.</param>
    /// <param name="max">Most, at least <paramref name="min"/>; null = any number.</param>
    public static PatternNode Array(PatternNode item, int min, int? max)
    {
        PatternNode items = PatternNode.Empty;
        if (max != 0)
        {
            PatternNode others = new RepeatNode(PatternNode.Sequence(Comma, item), Math.Max(0, min - 1), max - 1);
            items = PatternNode.Sequence(item, others);
        }
        return PatternNode.Sequence(PatternNode.Text("["), min == 0 && max != 0 ? items.Optional() : items, PatternNode.Text("]"));
    }

    /// <summary>Properties in their order.</summary>
    public static PatternNode Object(IEnumerable<(string Name, PatternNode Value, bool IsRequired)> properties) => PatternNode.Sequence(
        PatternNode.Text("{"),
        new ListNode(
            [.. properties.Select(property => (PatternNode.Sequence(Text(property.Name), Colon, property.Value), property.IsRequired))],
            Comma),
        PatternNode.Text("}"));

    /// <summary>One value, written in one way.</summary>
    public static PatternNode Constant(JsonElement value) => PatternNode.Text(JsonSerializer.Serialize(value, Compact));

    private static PatternNode Text(string text) => PatternNode.Text(JsonSerializer.Serialize(text, Compact));

    private static PatternNode Regex(string pattern) => new RegexReader(pattern).Read();
}
