using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Trl.Generation.Constraints;
using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Trl.Tokenization;

namespace Microsoft.ML.Trl.Tests.Generation;

/// <summary>Which texts match: against .NET's regular expressions, whole Unicode, and JSON by hand.</summary>
[TestClass]
public sealed class TextConstraintTests
{
    [TestMethod]
    [DataRow("a")]
    [DataRow("")]
    [DataRow("^ab$")]
    [DataRow("a|b|")]
    [DataRow("(a|b)*ab")]
    [DataRow("(?:ab)+c?")]
    [DataRow("a{2}b{1,3}c{2,}")]
    [DataRow("(a{0,2}b){2,3}")]
    [DataRow("(a*)*b")]
    [DataRow("(a|b)*a(a|b){5}")]
    [DataRow("[^ab]*")]
    [DataRow(@"[a-]b[\]a]")]
    [DataRow(@"\d+(\.\d{1,2})?")]
    [DataRow(@"\w+\s\S\W?\D")]
    [DataRow(".*")]
    [DataRow(@"\x61\u0062[\x63]")]
    [DataRow(@"[\d.]+\-\[\\\{")]
    public void A_text_matches_where_a_regular_expression_does(string pattern)
    {
        TextConstraint constraint = TextConstraint.Regex(pattern);
        Regex expected = new($@"\A(?:{pattern.TrimStart('^').TrimEnd('$')})\z", RegexOptions.CultureInvariant);
        Random random = new(1);
        const string Letters = "aaabbbcc01. -_[]{\\\n";
        int matched = 0;
        for (int i = 0; i < 4000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(9)).Select(_ => Letters[random.Next(Letters.Length)]));
            Assert.AreEqual(expected.IsMatch(text), constraint.Matches(text), $"'{text}' and {pattern}");
            matched += constraint.Matches(text) ? 1 : 0;
        }
        Assert.IsLessThan(4001, matched);
    }

    [TestMethod]
    [DataRow("[\u00c0-\u04ff\u4e00-\u9fa5\uac00-\ud7a3\U0001F600-\U0001F64F]")]
    [DataRow("[^\u0080-\u9000a-z]")]
    [DataRow("[\u0001-\U0010fffe]")]
    [DataRow(".")]
    [DataRow(@"\W")]
    public void A_class_holds_the_characters_of_its_ranges_and_no_others(string pattern)
    {
        ByteAutomaton automaton = TextConstraint.Regex(pattern).Automaton;
        Func<int, bool> expected = pattern switch
        {
            "." => code => code != '\n',
            @"\W" => code => code > 127 || !(char.IsAsciiLetterOrDigit((char)code) || code == '_'),
            ['[', '^', ..] => code => code is not ((>= 0x80 and <= 0x9000) or (>= 'a' and <= 'z')),
            "[\u0001-\U0010fffe]" => code => code is >= 1 and <= 0x10fffe,
            _ => code =>
                code is (>= 0xc0 and <= 0x4ff) or (>= 0x4e00 and <= 0x9fa5) or (>= 0xac00 and <= 0xd7a3) or (>= 0x1f600 and <= 0x1f64f),
        };
        byte[] bytes = new byte[4];
        for (int code = 0; code <= 0x10ffff; code++)
        {
            if (!Rune.IsValid(code))
                continue;
            int length = new Rune(code).EncodeToUtf8(bytes);
            if (expected(code) != automaton.Accepts(automaton.Next(ByteAutomaton.Start, bytes.AsSpan(0, length))))
                Assert.Fail($"U+{code:X} and {pattern}");
        }
        foreach (byte[] broken in new byte[][] { [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0xFF] })
            Assert.AreEqual(ByteAutomaton.Dead, automaton.Next(ByteAutomaton.Start, broken), "what is no UTF-8");
    }

    [TestMethod]
    [DataRow("""{"type":"integer"}""", "0|-7|120", "007|1.0||+1|--1")]
    [DataRow("""{"type":"number"}""", "0|-0.5|1e5|12.25E-3", ".5|1.|01|1e")]
    [DataRow("""{"type":["boolean","null"]}""", "true|false|null", "True|nul|")]
    [DataRow(
        """{"type":"string","minLength":1,"maxLength":2}""",
        "\"a\"|\"äß\"|\"\\n\\u00e9\"|\"\U0001F600b\"", "\"\"|\"abc\"|a|\"\\ud800\"|\"\\x\"")]
    [DataRow("""{"type":"string"}""", "\"\"|\"a b\"", "\"a\nb\"|\"a\"b\"")]
    [DataRow("""{"enum":["a",1,null,{"b":[1]}]}""", "\"a\"|1|null|{\"b\":[1]}", "a|2|\"b\"")]
    [DataRow("""{"const":"x\"y"}""", "\"x\\\"y\"", "\"xy\"")]
    [DataRow("""{"type":"string","enum":["a",1]}""", "\"a\"", "1")]
    [DataRow(
        """{"anyOf":[{"type":"null"},{"type":"array","items":{"type":"integer"}}]}""",
        "null|[]|[1]|[1,2]|[1, 2]", "[null]|[1,]|[,1]|[ 1]")]
    [DataRow("""{"type":"array","items":{"const":1},"minItems":2,"maxItems":3}""", "[1,1]|[1,1,1]", "[]|[1]|[1,1,1,1]")]
    [DataRow("""{"type":"array","items":{"const":1},"maxItems":0}""", "[]", "[1]")]
    [DataRow("""{"type":"array","items":{"const":1},"maxItems":1}""", "[]|[1]", "[1,1]")]
    [DataRow(
        """
        {"title":"t","type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},"required":["b"],
         "additionalProperties":false}
        """,
        """{"b":2}|{"a":1,"b":2}|{"b": 2, "c": 3}|{"a":1,"b":2,"c":3}""",
        """{}|{"a":1}|{"b":2,"a":1}|{"b":2,}|{,"b":2}|{"b":2,"d":4}|{"b":2 }""")]
    [DataRow(
        """{"type":"object","properties":{"a":{"const":1},"b":{"const":2}}}""",
        """{}|{"a":1}|{"b":2}|{"a":1,"b":2}""", """{,"b":2}|{"a":1,}""")]
    [DataRow("""{"type":"object","properties":{}}""", "{}", "{ }")]
    public void A_text_matches_where_it_is_valid_under_the_schema(string schema, string good, string bad)
    {
        TextConstraint constraint = TextConstraint.JsonSchema(schema);
        foreach (string text in good.Split('|'))
        {
            Assert.IsTrue(constraint.Matches(text), $"{text} under {schema}");
            using JsonDocument parsed = JsonDocument.Parse(text);
        }
        foreach (string text in bad.Split('|'))
            Assert.IsFalse(constraint.Matches(text), $"{text} under {schema}");
    }

    [TestMethod]
    [DataRow("(a|film)? was (good|bad|\u00e4\U0001F600)*")]
    [DataRow(@"[^\n]{3,}the")]
    public void A_mask_allows_the_tokens_that_brute_force_finds(string pattern)
    {
        TextConstraint constraint = TextConstraint.Regex(pattern);
        TokenTrie trie = Tiny.Tokenizer.Trie;
        TokenConstraint tokens = constraint.Over(trie);
        Random random = new(2);
        (int state, int tried) = (ByteAutomaton.Start, 0);
        for (int step = 0; step < 30; step++)
        {
            bool[] forbidden = tokens.Forbidden(state, false);
            for (int token = 0; token < trie.Count; token++)
            {
                byte[] bytes = trie.BytesOf(token).ToArray();
                bool expected = bytes.Length > 0 && constraint.Automaton.Next(state, bytes) != ByteAutomaton.Dead;
                Assert.AreEqual(expected, !forbidden[token], $"token {token} after {step}");
                tried += expected ? 1 : 0;
            }
            int[] allowed = [.. Enumerable.Range(0, trie.Count).Where(token => !forbidden[token])];
            state = allowed.Length == 0 ? ByteAutomaton.Start : tokens.Next(state, allowed[random.Next(allowed.Length)], false);
        }
        Assert.IsGreaterThan(10, tried);
        Assert.IsTrue(Tiny.Tokenizer.EosTokenId is not { } end || trie.BytesOf(end).Length == 0, "special tokens stand for no text");
    }

    [TestMethod]
    public void Constraints_are_equal_by_their_text_and_go_through_json()
    {
        TextConstraint regex = TextConstraint.Regex("a+"), schema = TextConstraint.JsonSchema("""{"type":"null"}""");
        Assert.AreEqual(regex, TextConstraint.Regex("a+"));
        Assert.AreEqual(regex.GetHashCode(), TextConstraint.Regex("a+").GetHashCode());
        Assert.AreNotEqual(regex, schema);
        Assert.AreEqual("regular expression a+", regex.ToString());
        foreach (TextConstraint constraint in new[] { regex, schema })
        {
            GenerationOptions options = new() { Constraint = constraint, EarlyStopping = EarlyStopping.Never, BadWordsIds = [[1, 2]] };
            GenerationOptions read = JsonSerializer.Deserialize<GenerationOptions>(JsonSerializer.Serialize(options))!;
            Assert.AreEqual(constraint, read.Validated().Constraint);
            Assert.AreEqual(EarlyStopping.Never, read.EarlyStopping);
            CollectionAssert.AreEqual(new[] { 1, 2 }, read.BadWordsIds[0].ToArray());
        }
        GenerationOptions damaged = JsonSerializer.Deserialize<GenerationOptions>("""{"Constraint":{"Pattern":"("}}""")!;
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => damaged.Validated()).Message, "a group is not closed");
        damaged = JsonSerializer.Deserialize<GenerationOptions>("""{"Constraint":{}}""")!;
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => damaged.Validated()).Message, "a Pattern or a Schema");
    }
}
