using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Regular expressions and JSON schemas that are none, or more than is supported.</summary>
internal static class ConstraintInputs
{
    private const string Regex = "TextConstraint.Regex", Schema = "TextConstraint.JsonSchema";

    public static IEnumerable<BadInput> All() => [.. Wrong(), .. Refused(), .. WrongSchemas(), .. RefusedSchemas()];

    private static IEnumerable<BadInput> Wrong() =>
    [
        Null(Regex, "pattern", () => TextConstraint.Regex(null!)),
        Null("TextConstraint.Matches", "text", () => TextConstraint.Regex("a").Matches(null!)),
        .. new (string Pattern, string Words)[]
        {
            ("(a", "a group is not closed"), ("a)", "')' closes no group"), ("[a", "a class of characters is not closed"),
            ("[]", "a class of characters has none"),
            (@"[^\s\S]", "a class of characters has none"), ("*a", "nothing before '*'"),
            ("a**", "nothing before '*'"), ("(?:+)", "nothing before '+'"), ("{2}", "nothing before '{'"), ("a{", "begins no repetition"),
            ("a{,2}", "begins no repetition"), ("a{2,1}", "its larger number first"), ("a{10001}", "more than 10000"),
            ("a{99999999999}", "more than 10000"), ("[z-a]", "the range z-a has its larger bound first"),
            (@"[a-\d]", "a class for a bound"),
            (@"\", "ends with a backslash"), (@"\x4", "2 hexadecimal digits"), (@"\u00zz", "4 hexadecimal digits"),
            (@"\ud83d", "half of a surrogate pair"), (new string('(', 200), "100 deep"), ("(a{1000}){1000}", "more than 400000 steps"),
            ("(a|b)*a(a|b){20}", "more than 20000 states"),
        }.Select(bad => Of<ArgumentException>(Regex, () => TextConstraint.Regex(bad.Pattern), [bad.Words], bad.Pattern)),
    ];

    private static IEnumerable<BadInput> Refused() => new (string Pattern, string Words)[]
    {
        ("a*?", "lazy or possessive repetition (*?)"), ("a++", "lazy or possessive repetition (++)"), ("(?=a)", "(?=...)"),
        ("(?<n>a)", "(?<...)"), ("(?", "(?...)"), ("a^", "an anchor (^)"), ("a$b", "an anchor ($)"), (@"\bfilm", @"the escape \b"),
        (@"(a)\1", @"the escape \1"), (@"\p{L}", @"the escape \p"), ("[a-z-[b]]", "subtraction of classes"),
    }.Select(bad => Of<NotSupportedException>(Regex, () => TextConstraint.Regex(bad.Pattern), [bad.Words, "not supported"], bad.Pattern));

    private static IEnumerable<BadInput> WrongSchemas() =>
    [
        Null(Schema, "schema", () => TextConstraint.JsonSchema(null!)),
        .. new (string Schema, string Words)[]
        {
            ("{", "The schema is no JSON"), ("", "The schema is no JSON"), ("true", "The schema at $ is true; a schema must be an object"),
            ("{}", "$ allows any value"), ("""{"type":"text"}""", "the type 'text'"), ("""{"type":1}""", "$.type is 1; it must be a text"),
            ("""{"type":[]}""", "an empty type"), ("""{"type":"object"}""", "an object without properties"),
            ("""{"type":"array"}""", "an array without items"), ("""{"type":"array","items":{}}""", "$[] allows any value"),
            ("""{"type":"object","properties":{"a":7}}""", "$.a is 7; a schema must be an object"),
            ("""{"type":"object","properties":{},"required":["a"]}""", "requires 'a'"),
            ("""{"type":"object","properties":{},"required":"a"}""", "has required \"a\"; it must be a list"),
            ("""{"type":"object","properties":{"a":{"type":"null"},"a":{"type":"null"}}}""", "a property twice"),
            ("""{"type":"null","type":"null"}""", "has type twice"),
            ("""{"type":"string","minItems":1}""", "minItems, which means nothing"),
            ("""{"type":"array","items":{"type":"null"},"minItems":2,"maxItems":1}""", "maxItems (1) below minItems (2)"),
            ("""{"type":"string","minLength":-1}""", "minLength -1; it must be a whole number"),
            ("""{"type":"string","maxLength":1.5}""", "maxLength 1.5; it must be a whole number"), ("""{"enum":[]}""", "an empty enum"),
            ("""{"type":"string","enum":[1]}""", "no value in enum that is of type string"), ("""{"anyOf":[]}""", "an empty anyOf"),
            ("""{"anyOf":[{"type":"x"}]}""", "$.anyOf[0] has the type 'x'"),
            ("""{"type":"string","maxLength":1000000}""", "more than 400000 steps"),
        }.Select(bad => Of<ArgumentException>(Schema, () => TextConstraint.JsonSchema(bad.Schema), [bad.Words], bad.Schema)),
    ];

    private static IEnumerable<BadInput> RefusedSchemas() => new (string Schema, string Words)[]
    {
        ("""{"$ref":"#"}""", "The keyword '$ref' at $ is not supported"),
        ("""{"type":"string","pattern":"a"}""", "The keyword 'pattern' at $"),
        ("""{"type":"object","properties":{"a":{"oneOf":[]}}}""", "The keyword 'oneOf' at $.a"),
        ("""{"type":"integer","minimum":1}""", "The keyword 'minimum' at $"),
        ("""{"enum":[1],"const":1}""", "enum together with const at $"),
        ("""{"anyOf":[{"type":"null"}],"type":"null"}""", "anyOf together with type at $"),
        ("""{"type":"object","properties":{},"additionalProperties":{"type":"null"}}""", "additionalProperties at $"),
    }.Select(bad => Of<NotSupportedException>(Schema, () => TextConstraint.JsonSchema(bad.Schema), [bad.Words, "support"], bad.Schema));
}
