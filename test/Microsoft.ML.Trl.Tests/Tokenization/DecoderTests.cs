using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>Decoders of tokenizer.json; expected texts worked out by hand.</summary>
[TestClass]
public sealed class DecoderTests
{
    private const string Bytes = "{\"type\": \"ByteFallback\"}", Fuse = "{\"type\": \"Fuse\"}";
    private const string Blanks = "{\"type\": \"Replace\", \"pattern\": {\"String\": \"▁\"}, \"content\": \" \"}";
    private const string FirstBlank = "{\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}";

    [TestMethod]
    [DataRow("null", new[] { "a", "b" }, "a b")]
    [DataRow("{\"type\": \"WordPiece\"}", new[] { "do", "n", "##'", ".", "x" }, "do n'. x")]
    [DataRow("{\"type\": \"WordPiece\"}", new[] { "##a", "n't", "'s", "," }, "##an't's,")]
    [DataRow("{\"type\": \"WordPiece\", \"cleanup\": false}", new[] { "a", "." }, "a .")]
    [DataRow("{\"type\": \"WordPiece\", \"prefix\": \"@@\"}", new[] { "a", "@@b" }, "ab")]
    [DataRow("{\"type\": \"Metaspace\"}", new[] { "▁a▁", "▁b" }, "a b")] // of the first token no blank is left
    [DataRow("{\"type\": \"Metaspace\", \"prepend_scheme\": \"never\"}", new[] { "▁a", "▁b" }, " a b")]
    [DataRow("{\"type\": \"Metaspace\", \"add_prefix_space\": false}", new[] { "▁a" }, " a")]
    [DataRow(Bytes, new[] { "a", "<0xC3>", "<0xA9>", "<0x21>", "b" }, "aé!b")]
    [DataRow(Bytes, new[] { "<0xC3>", "<0x21>", "b", "<0xE4>" }, "\uFFFD\uFFFDb\uFFFD")] // a whole run is UTF-8 or none of it
    [DataRow(Bytes, new[] { "<0xG1>", "<0x001>" }, "<0xG1><0x001>")]
    [DataRow("{\"type\": \"Strip\", \"content\": \"x\", \"start\": 1, \"stop\": 2}", new[] { "xxaxxx", "x", "bx" }, "xaxb")]
    [DataRow("{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"a+\"}, \"content\": \"b\"}", new[] { "aa", "a" }, "bb")]
    [DataRow($"[{Blanks}, {Bytes}, {Fuse}, {FirstBlank}]", new[] { "▁", "▁a", "▁b" }, " a b")]
    [DataRow($"[{Fuse}, {{\"type\": \"Strip\", \"content\": \"x\", \"start\": 3, \"stop\": 2}}]", new[] { "x", "xa", "x", "x", "x" }, "ax")]
    [DataRow($"[{Fuse}, {{\"type\": \"Strip\", \"content\": \"x\", \"start\": 1, \"stop\": 1}}]", new[] { "x", "x", "x" }, "x")]
    [DataRow($"[{Fuse}, {{\"type\": \"Replace\", \"pattern\": {{\"String\": \"ab\"}}, \"content\": \"c\"}}]", new[] { "a", "b" }, "c")]
    [DataRow("[{\"type\": \"ByteLevel\"}]", new[] { "Ã", "©", "Ġ漢" }, "éĠ漢")] // a token outside of the alphabet is its own text
    public void Tokens_become_text(string json, string[] tokens, string expected)
    {
        DecoderChain chain = Chain(json);
        List<string> parts = [.. tokens.Select(chain.Append)];
        Assert.AreEqual(expected, string.Concat(parts) + chain.End(dropsPartial: false));
    }

    [TestMethod]
    public void Text_comes_as_soon_as_nothing_can_change_it()
    {
        DecoderChain chain = Chain($"[{Blanks}, {Bytes}, {Fuse}, {FirstBlank}]");
        string[] given = [.. new[] { "▁a", "▁", "<0xC3>", "<0xA9>", "b" }.Select(chain.Append)];
        CollectionAssert.AreEqual(new[] { "a", " ", "", "", "éb" }, given);
    }

    [TestMethod]
    [DataRow(new[] { "a", "<0xC3>" }, "a")]
    [DataRow(new[] { "<0xC3>", "<0xA9>", "<0xE4>", "<0xBD>" }, "é")]
    [DataRow(new[] { "<0xA9>" }, "\uFFFD")] // no begin of a character
    [DataRow(new[] { "<0xC3>", "a" }, "\uFFFDa")]
    public void Of_a_completion_the_bytes_of_a_cut_character_are_left_out(string[] tokens, string expected)
    {
        DecoderChain chain = Chain(Bytes);
        Assert.AreEqual(expected, string.Concat(tokens.Select(chain.Append)) + chain.End(dropsPartial: true));
    }

    [TestMethod]
    [DataRow("{\"type\": \"Strip\", \"content\": \"ab\", \"start\": 1, \"stop\": 0}", "Strip has the content \"ab\"; one letter is needed")]
    [DataRow("{\"type\": \"Metaspace\", \"replacement\": \"__\"}", "Metaspace has the replacement \"__\" and the prepend_scheme")]
    [DataRow("{\"type\": \"Metaspace\", \"prepend_scheme\": \"last\"}", "\"last\"; one letter and always, first or never are")]
    public void Damaged_decoders_say_what_is_wrong(string json, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Chain(json)).Message, message);

    private static DecoderChain Chain(string json)
    {
        string whole = json.StartsWith('[') ? $"{{\"type\": \"Sequence\", \"decoders\": {json}}}" : json;
        using JsonDocument document = JsonDocument.Parse(whole);
        JsonElement? decoder = document.RootElement.ValueKind == JsonValueKind.Null ? null : document.RootElement;
        return new DecoderChain(DecoderJson.Read(decoder, isByteLevel: false, "test")!());
    }
}
