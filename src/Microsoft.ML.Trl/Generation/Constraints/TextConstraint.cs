using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using Microsoft.ML.Trl.Generation.Constraints;
using Microsoft.ML.Trl.Tokenization;

namespace Microsoft.ML.Trl;

/// <summary>
/// What a completion must be, from its first character to its last: nothing else can be written, and the end token only follows a complete
/// text. Immutable; may be used by several threads. Tokens are ruled out before one is chosen, so that beams and samples all match
/// (guided generation, arXiv:2307.09702).
/// </summary>
/// <remarks>
/// A row that reaches <see cref="GenerationOptions.MaxNewTokens"/> before its text is complete is not finished:
/// <see cref="Generation.GenerationResult.Finished"/> is true for rows that match, and false for all others, and
/// <see cref="Matches"/> tells it of a text.
/// </remarks>
public sealed class TextConstraint : IEquatable<TextConstraint>
{
    private readonly Lazy<ByteAutomaton> _automaton;
    private readonly ConditionalWeakTable<TokenTrie, TokenConstraint> _overTokens = [];

    [JsonConstructor]
    private TextConstraint(string? pattern, string? schema)
    {
        (Pattern, Schema) = (pattern, schema);
        _automaton = new Lazy<ByteAutomaton>(Build); // a constraint that was read from a file is looked at when it is validated
    }

    /// <summary>The regular expression, or null.</summary>
    public string? Pattern { get; }

    /// <summary>The JSON schema, or null.</summary>
    public string? Schema { get; }

    /// <summary>The automaton of the texts that match.</summary>
    /// <exception cref="ArgumentException">The constraint is damaged.</exception>
    internal ByteAutomaton Automaton => _automaton.Value;

    /// <summary>The same over the tokens of a vocabulary; made once for each.</summary>
    internal TokenConstraint Over(TokenTrie vocabulary) => _overTokens.GetValue(vocabulary, trie => new TokenConstraint(Automaton, trie));

    /// <summary>Completions that match a regular expression as a whole.</summary>
    /// <param name="pattern">
    /// Characters; <c>.</c> (all but a line feed); classes such as <c>[a-z_]</c> and <c>[^"]</c>; <c>\d</c> (0-9), <c>\w</c> (A-Z, a-z,
    /// 0-9, _), <c>\s</c> (blank, tab, line breaks) and their opposites <c>\D \W \S</c>; <c>\n \r \t \f \v</c>, <c>\x41</c>,
    /// <c>\u0041</c>, and a backslash before punctuation; groups <c>( )</c> and <c>(?: )</c>, <c>|</c>, <c>*</c>, <c>+</c>, <c>?</c>,
    /// <c>{m}</c>, <c>{m,}</c> and <c>{m,n}</c> up to 10,000. A <c>^</c> at the beginning and a <c>$</c> at the end are allowed, and
    /// mean nothing.
    /// </param>
    /// <exception cref="ArgumentException">It is no regular expression, or needs more than 20,000 states.</exception>
    /// <exception cref="NotSupportedException">
    /// It uses something else: lookaround, references, lazy repetitions, anchors within, Unicode categories; the message names it.
    /// </exception>
    public static TextConstraint Regex(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return new TextConstraint(pattern, null).Built();
    }

    /// <summary>Completions that are JSON and valid under a schema (JSON Schema, draft 2020-12).</summary>
    /// <param name="schema">
    /// An object with <c>type</c> (object, array, string, number, integer, boolean, null, or a list of these) and, for objects,
    /// <c>properties</c> and <c>required</c> (properties are written in their order, and no others); for arrays, <c>items</c>,
    /// <c>minItems</c> and <c>maxItems</c>; for strings, <c>minLength</c> and <c>maxLength</c>; or with <c>enum</c>, <c>const</c> or
    /// <c>anyOf</c>. Schemas stand in one another as deep as 64. Nothing but one blank after a colon or a comma is written between values.
    /// </param>
    /// <exception cref="ArgumentException">It is no such object, contradicts itself, or needs more than 20,000 states.</exception>
    /// <exception cref="NotSupportedException">It has another keyword; the message names it and where it stands.</exception>
    public static TextConstraint JsonSchema(string schema)
    {
        ArgumentNullException.ThrowIfNull(schema);
        return new TextConstraint(null, schema).Built();
    }

    /// <summary>Whether a whole text matches.</summary>
    /// <param name="text">Any text.</param>
    public bool Matches(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Automaton.Matches(text);
    }

    /// <summary>Whether the other is made from the same text.</summary>
    /// <param name="other">May be null.</param>
    public bool Equals(TextConstraint? other) => other is not null && (Pattern, Schema) == (other.Pattern, other.Schema);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TextConstraint);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Pattern, Schema);

    /// <inheritdoc/>
    public override string ToString() => Pattern is null ? $"JSON schema {Schema}" : $"regular expression {Pattern}";

    private TextConstraint Built()
    {
        _ = Automaton;
        return this;
    }

    private ByteAutomaton Build() => (Pattern, Schema) switch
    {
        (not null, null) => AutomatonBuilder.Build(new RegexReader(Pattern).Read()),
        (null, not null) => AutomatonBuilder.Build(JsonSchemaReader.Read(Schema)),
        _ => throw new ArgumentException("A constraint must have a Pattern or a Schema, one of the two."),
    };
}
