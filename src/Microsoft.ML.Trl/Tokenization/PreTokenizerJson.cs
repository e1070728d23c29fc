using System.Text.Json;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads "pre_tokenizer" of tokenizer.json.</summary>
internal static partial class PreTokenizerJson
{
    private const string Supported =
        "ByteLevel, Metaspace, BertPreTokenizer, Whitespace, WhitespaceSplit, Split, Punctuation, Digits and Sequence";

    /// <summary>GPT-2's cut: contractions, words, numbers and symbols with the blank before them, white space.</summary>
    public static SplitRule Gpt2Rule { get; } = SplitRule.Pattern(Gpt2Pattern());

    public static PreTokenizerDefinition Read(JsonElement? preTokenizer, string source)
    {
        bool isByteLevel = false, addsPrefixSpace = false;
        Metaspace? metaspace = null;
        List<SplitRule> text = [], letters = [];
        foreach (JsonElement step in preTokenizer is { } root ? Steps(root) : [])
        {
            List<SplitRule> rules = isByteLevel || metaspace is not null ? letters : text;
            switch (step.Text("type"))
            {
                case "ByteLevel" or "Metaspace" when rules == letters:
                    throw TokenizerJson.OtherKind(source, "twice pre-tokenizing (by ByteLevel or Metaspace)");
                case "ByteLevel":
                    isByteLevel = true;
                    addsPrefixSpace = step.Flag("add_prefix_space", absent: true);
                    if (addsPrefixSpace && text.Count > 0)
                        throw TokenizerJson.OtherKind(source, "BPE with a ByteLevel pre-tokenizer that adds blanks after another cut");
                    if (step.Flag("use_regex", absent: true))
                        text.Add(Gpt2Rule);
                    break;
                case "Metaspace":
                    metaspace = Metaspace.Read(step);
                    if (step.Flag("split", absent: true))
                        letters.Add(metaspace.Rule);
                    break;
                case { } other:
                    rules.AddRange(Rules(other, step, source));
                    break;
                default:
                    throw TokenizerJson.Unsupported(source, "pre-tokenizer", null, Supported);
            }
        }
        return new PreTokenizerDefinition(addsPrefixSpace, text, letters) { IsByteLevel = isByteLevel, Metaspace = metaspace };
    }

    private static SplitRule[] Rules(string type, JsonElement step, string source) => type switch
    {
        "Split" => [SplitRule.Pattern(Pattern(step), Behavior(step), step.Flag("invert"))],
        "Punctuation" => [SplitRule.Punctuation(Behavior(step))],
        "Digits" => [SplitRule.Digits(step.Flag("individual_digits"))],
        "Whitespace" => [SplitRule.Pattern(OnigurumaPattern.ToRegex(@"\w+|[^\w\s]+"), SplitBehavior.Removed, invert: true)],
        "WhitespaceSplit" => [SplitRule.WhiteSpace],
        "BertPreTokenizer" => [SplitRule.WhiteSpace, SplitRule.Punctuation(SplitBehavior.Isolated)],
        _ => throw TokenizerJson.Unsupported(source, "pre-tokenizer", type, Supported),
    };

    private static IEnumerable<JsonElement> Steps(JsonElement preTokenizer) => preTokenizer.Text("type") == "Sequence"
        ? preTokenizer.GetProperty("pretokenizers").EnumerateArray().SelectMany(Steps)
        : [preTokenizer];

    private static Regex Pattern(JsonElement step)
    {
        JsonElement pattern = step.GetProperty("pattern");
        return pattern.Text("Regex") is { } expression
            ? OnigurumaPattern.ToRegex(expression)
            : new Regex(Regex.Escape(pattern.GetProperty("String").GetString()!), RegexOptions.CultureInvariant);
    }

    private static SplitBehavior Behavior(JsonElement step)
        => Enum.TryParse(step.Text("behavior") ?? nameof(SplitBehavior.Isolated), ignoreCase: true, out SplitBehavior behavior)
            ? behavior
            : throw new FormatException($"The split behavior {step.Text("behavior")} is not known.");

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    public static partial Regex Gpt2Pattern();
}

/// <summary>Where a text is cut before the model of the tokenizer sees it.</summary>
/// <param name="AddsPrefixSpace">ByteLevel: a blank is put in front of a text that does not begin with one.</param>
/// <param name="TextRules">Cuts of the text.</param>
/// <param name="LetterRules">
/// Cuts after the text was written in the byte alphabet, which may part the bytes of a character, or by <see cref="Metaspace"/>.
/// </param>
internal sealed record PreTokenizerDefinition(
    bool AddsPrefixSpace, IReadOnlyList<SplitRule> TextRules, IReadOnlyList<SplitRule> LetterRules)
{
    /// <summary>Text is written in the byte alphabet.</summary>
    public bool IsByteLevel { get; init; }

    /// <summary>How blanks are written, or null where text is not rewritten so.</summary>
    public Metaspace? Metaspace { get; init; }
}

/// <summary>Writes blanks as SentencePiece does, as a visible letter, and puts one in front.</summary>
/// <param name="Replacement">The letter for a blank.</param>
/// <param name="Prepends">A piece that does not begin with the letter gets one.</param>
/// <param name="OnlyFirst">Only the piece at the beginning of the whole text does.</param>
internal sealed record Metaspace(char Replacement, bool Prepends, bool OnlyFirst)
{
    /// <summary>Cuts before each of the letters.</summary>
    public SplitRule Rule { get; } = SplitRule.Pattern(new Regex(Regex.Escape(Replacement.ToString())), SplitBehavior.MergedWithNext);

    public static Metaspace Read(JsonElement json)
    {
        string replacement = json.Text("replacement") ?? "▁";
        string scheme = json.Text("prepend_scheme") ?? (json.Flag("add_prefix_space", absent: true) ? "always" : "never");
        if (replacement.Length != 1 || scheme is not ("always" or "first" or "never"))
            throw new FormatException($"Metaspace has the replacement \"{replacement}\" and the prepend_scheme \"{scheme}\"; one letter "
                + "and always, first or never are allowed.");
        return new Metaspace(replacement[0], scheme != "never", scheme == "first");
    }

    public string Write(string piece, bool isFirst)
    {
        string written = piece.Replace(' ', Replacement);
        bool prepends = Prepends && (isFirst || !OnlyFirst) && !written.StartsWith(Replacement);
        return prepends ? Replacement + written : written;
    }
}
