using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.Tokenization;

[TestClass]
public sealed class PreTokenizationTests
{
    private const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    [TestMethod]
    public void Characters_outside_of_the_basic_plane_are_one_character_each()
    {
        // mathematical letters are letters, mathematical digits are digits: three of them make a piece
        AssertPieces(["𝐀𝐁c", "𝟏𝟐𝟑", "𝟒", "😀"], Split(Llama3), "𝐀𝐁c𝟏𝟐𝟑𝟒😀");
        AssertPieces([" 𐍈a", " 😀!"], [PreTokenizerJson.Gpt2Rule], " 𐍈a 😀!");
        AssertPieces(["𝐀", "'s"], [PreTokenizerJson.Gpt2Rule], "𝐀's"); // as two symbols it would swallow the apostrophe
    }

    [TestMethod]
    public void Case_is_ignored_with_the_long_s_too() => AssertPieces(["it", "'S", " it", "'ſ"], Split(Llama3), "it'S it'ſ");

    [TestMethod]
    public void A_class_in_a_class_is_a_union()
        => AssertPieces(["a", ",", " b", ".", ".", " ", " c"], Split(@" ?[^(\s|[.,!?…])]+|[.]"), "a, b..  c");

    [TestMethod]
    public void Patterns_of_newer_models_are_translated()
    {
        const string gpt4o = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
            + @"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s+(?!\S)|\s+";
        AssertPieces(["Hello", "World'S", " it's", "123", "4", "!/"], Split(gpt4o), "HelloWorld'S it's1234!/");
        const string deepseek = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
            + @"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
        AssertPieces(["-ab", "[x", "]", " e\u0301t", "++"], Split(deepseek), "-ab[x] e\u0301t++");
    }

    [TestMethod]
    public void A_possessive_quantifier_gives_nothing_back()
    {
        AssertPieces(["aaab"], Split("a+b"), "aaab");
        AssertPieces(["aaa"], Split("a++a|aaa"), "aaa");
        AssertPieces(["aaaa"], Split("(?:a|b){2}+"), "aaaa"); // Ruby: braces and a plus are two quantifiers
    }

    [TestMethod]
    [DataRow(@"\h+", "fF0")]
    [DataRow(@"\p{^L}+", "123")]
    [DataRow(@"\x{61}[\w]+", "ab_")]
    [DataRow(@"\p{Letter}[[x][y]]{,2}", "axy")]
    [DataRow(@"[]a]+", "a]a")]
    public void Ruby_patterns_are_translated(string pattern, string whole) => AssertPieces([whole], Split(pattern), whole);

    [TestMethod]
    [DataRow(@"\p{Han}", @"the property \p{Han}")]
    [DataRow(@"[a&&b]", "the intersection of classes")]
    [DataRow(@"[a[^b]]", "a negated or named class within a class")]
    [DataRow("[a", "a class without end")]
    [DataRow(@"\p{L", "a property without end")]
    [DataRow("a\\", "a backslash at the end")]
    [DataRow(@"\x{1F600}", "beyond FFFF")]
    [DataRow("(?m:.)", "the option group (?m)")]
    [DataRow(@"\X", @"uses \X")]
    [DataRow("😀", "characters outside of the basic plane")]
    [DataRow("(", "cannot be written as a .NET pattern")]
    public void What_has_no_counterpart_is_named(string pattern, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => OnigurumaPattern.ToRegex(pattern)).Message, message);

    [TestMethod]
    [DataRow("Isolated", "a|-|-|b|-")]
    [DataRow("Removed", "a|b")]
    [DataRow("Contiguous", "a|--|b|-")]
    [DataRow("MergedWithPrevious", "a-|-|b-")]
    [DataRow("MergedWithNext", "a|-|-b|-")]
    public void What_is_found_is_treated_as_the_behavior_says(string behavior, string pieces)
    {
        string step = $$"""{"type": "Split", "pattern": {"String": "-"}, "behavior": "{{behavior}}"}""";
        AssertPieces(pieces.Split('|'), Rules(step), "a--b-");
    }

    [TestMethod]
    public void An_inverted_split_finds_the_rest()
    {
        const string step = """{"type": "Split", "pattern": {"Regex": "[ab]"}, "behavior": "Removed", "invert": true}""";
        AssertPieces(["a", "b"], Rules(step), "-a-b-");
    }

    [TestMethod]
    public void Digits_are_split_alone_or_in_runs()
    {
        AssertPieces(["a", "12", "b"], Rules("""{"type": "Digits", "individual_digits": false}"""), "a12b");
        AssertPieces(["a", "1", "½", "b"], Rules("""{"type": "Digits", "individual_digits": true}"""), "a1½b");
    }

    [TestMethod]
    [DataRow("Whitespace", "it|'|s|a_b|--", " it's  a_b --\n")]
    [DataRow("WhitespaceSplit", "it's|a_b|--", " it's  a_b --\n")]
    [DataRow("BertPreTokenizer", "it|'|s|a|_|b|-|-|。|€|$", " it's\u3000a_b --。€$\n")] // the euro sign is no ASCII symbol
    public void White_space_separates_words(string type, string pieces, string text)
        => AssertPieces(pieces.Split('|'), Rules($$"""{"type": "{{type}}"}"""), text);

    [TestMethod]
    [DataRow("always", "a b", true, "▁a▁b")]
    [DataRow("always", " a", false, "▁a")] // it begins with a blank already
    [DataRow("first", "a", true, "▁a")]
    [DataRow("first", "a", false, "a")]
    [DataRow("never", "a b", true, "a▁b")]
    public void Metaspace_writes_blanks_and_puts_one_in_front(string scheme, string text, bool isFirst, string expected)
    {
        using JsonDocument json = JsonDocument.Parse($$"""{"type": "Metaspace", "prepend_scheme": "{{scheme}}"}""");
        Assert.AreEqual(expected, Metaspace.Read(json.RootElement).Write(text, isFirst));
        AssertPieces(["▁a", "▁", "▁b"], [Metaspace.Read(json.RootElement).Rule], "▁a▁▁b");
    }

    [TestMethod]
    public void Punctuation_is_unicode_punctuation_and_ascii_symbols()
        => AssertPieces(["a", "$+", "b", "。", "c€"], Rules("""{"type": "Punctuation", "behavior": "Contiguous"}"""), "a$+b。c€");

    private static IReadOnlyList<SplitRule> Split(string pattern) => [SplitRule.Pattern(OnigurumaPattern.ToRegex(pattern))];

    private static IReadOnlyList<SplitRule> Rules(string step)
    {
        const string byteLevel = """{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}""";
        using JsonDocument json = JsonDocument.Parse($$"""{"type": "Sequence", "pretokenizers": [{{step}}, {{byteLevel}}]}""");
        return PreTokenizerJson.Read(json.RootElement, "test").TextRules;
    }

    private static void AssertPieces(string[] expected, IReadOnlyList<SplitRule> rules, string text)
    {
        var cut = new RulePreTokenizer(rules, new AddedTokenSplitter([]));
        CollectionAssert.AreEqual(expected, Texts(cut.PreTokenize(text)));
        CollectionAssert.AreEqual(expected, Texts(cut.PreTokenize(text.AsSpan())));

        string[] Texts(IEnumerable<(int Offset, int Length)> pieces)
            => [.. pieces.Select(piece => text.Substring(piece.Offset, piece.Length))];
    }
}
