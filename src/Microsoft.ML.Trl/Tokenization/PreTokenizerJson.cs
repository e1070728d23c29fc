using System.Text.Json;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads "pre_tokenizer" of tokenizer.json.</summary>
internal static partial class PreTokenizerJson
{
    /// <summary>GPT-2's cut: contractions, words, numbers and symbols with the blank before them, white space.</summary>
    public static SplitRule Gpt2Rule { get; } = SplitRule.Pattern(Gpt2Pattern());

    public static PreTokenizerDefinition Read(JsonElement? preTokenizer, string source)
    {
        bool isByteLevel = false, addsPrefixSpace = false;
        List<SplitRule> text = [], letters = [];
        foreach (JsonElement step in preTokenizer is { } root ? Steps(root) : [])
        {
            List<SplitRule> rules = isByteLevel ? letters : text;
            switch (step.Text("type"))
            {
                case "ByteLevel" when !isByteLevel:
                    isByteLevel = true;
                    addsPrefixSpace = step.Flag("add_prefix_space", absent: true);
                    if (addsPrefixSpace && text.Count > 0)
                        throw TokenizerJson.OtherKind(source, "BPE with a ByteLevel pre-tokenizer that adds blanks after another cut");
                    if (step.Flag("use_regex", absent: true))
                        text.Add(Gpt2Rule);
                    break;
                case "Split":
                    rules.Add(SplitRule.Pattern(Pattern(step), Behavior(step), step.Flag("invert")));
                    break;
                case "Punctuation":
                    rules.Add(SplitRule.Punctuation(Behavior(step)));
                    break;
                case "Digits":
                    rules.Add(SplitRule.Digits(step.Flag("individual_digits")));
                    break;
                case string other:
                    throw TokenizerJson.OtherKind(source, $"BPE with the pre-tokenizer {other}");
            }
        }
        if (!isByteLevel)
            throw TokenizerJson.OtherKind(source, "BPE without a ByteLevel pre-tokenizer, i.e. SentencePiece-style or character-level");
        return new PreTokenizerDefinition(addsPrefixSpace, text, letters);
    }

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

/// <summary>Where a text is cut before the merges.</summary>
/// <param name="AddsPrefixSpace">A blank is put in front of a text that does not begin with one.</param>
/// <param name="TextRules">Cuts of the text.</param>
/// <param name="LetterRules">Cuts after the text was written in the byte alphabet; these may part the bytes of a character.</param>
internal sealed record PreTokenizerDefinition(
    bool AddsPrefixSpace, IReadOnlyList<SplitRule> TextRules, IReadOnlyList<SplitRule> LetterRules);
