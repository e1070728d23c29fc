using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>Normalizers of tokenizer.json; expected texts worked out by hand from Unicode's tables and the published algorithms.</summary>
[TestClass]
public sealed class NormalizerTests
{
    private const string Bert = "{\"type\": \"BertNormalizer\"}";

    [TestMethod]
    [DataRow("{\"type\": \"NFD\"}", "\u00E9", "e\u0301")]
    [DataRow("{\"type\": \"NFKC\"}", "\uFB01\u00B2", "fi2")]
    [DataRow("{\"type\": \"NFKD\"}", "\uFB01\u00E9", "fie\u0301")]
    [DataRow("{\"type\": \"Lowercase\"}", "ÀΣ\u0130ẞ𐐀", "àσi\u0307ß𐐨")] // a sigma stays a sigma, a dot stays above
    [DataRow("{\"type\": \"StripAccents\"}", "e\u0301a\u0903b\u0488", "eab")]
    [DataRow("{\"type\": \"Strip\"}", " \u3000a b\t", "a b")]
    [DataRow("{\"type\": \"Strip\", \"strip_right\": false}", " a ", "a ")]
    [DataRow("{\"type\": \"Strip\", \"strip_left\": false}", " a ", " a")]
    [DataRow("{\"type\": \"Strip\", \"strip_left\": false, \"strip_right\": false}", " a ", " a ")]
    [DataRow("{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"▁\"}", "a  b", "a▁▁b")]
    [DataRow("{\"type\": \"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, \"content\": \"$0\"}", "😀  b c", "😀$0b c")]
    [DataRow("{\"type\": \"Prepend\", \"prepend\": \"▁\"}", "a", "▁a")]
    [DataRow("{\"type\": \"Prepend\", \"prepend\": \"▁\"}", "", "")]
    [DataRow("{\"type\": \"Nmt\"}", "a\u0001\u007Fb\u200Bc\nd\u2581", "ab c d ")]
    [DataRow(Bert, "Ça\u0000\u00ADva\t日x", "cava  日 x")] // NUL and soft hyphen go, the accent too
    [DataRow("{\"type\": \"BertNormalizer\", \"lowercase\": false}", "Ça", "Ça")] // accents are kept with the case
    [DataRow("{\"type\": \"BertNormalizer\", \"strip_accents\": false, \"handle_chinese_chars\": false}", "Ça日", "ça日")]
    [DataRow("{\"type\": \"BertNormalizer\", \"clean_text\": false}", "\u00ADA", "\u00ADa")]
    [DataRow("{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Lowercase\"}, {\"type\": \"Strip\"}]}", "A ", "a")]
    public void Text_is_normalized(string json, string text, string expected)
    {
        Normalizer normalizer = Read(json)!;
        Assert.AreEqual(expected, normalizer.Normalize(text));
        Assert.AreEqual(expected, normalizer.Normalize(text.AsSpan()));
    }

    [TestMethod]
    public void No_normalizer_leaves_text_alone()
        => Assert.IsNull(Read("{\"type\": \"Sequence\", \"normalizers\": []}"));

    [TestMethod]
    [DataRow("{\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"a\"}", "neither a Regex nor a String that")]
    [DataRow("{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}}", "the normalizer Replace has no \"content\"")]
    [DataRow("{\"type\": \"Prepend\"}", "the normalizer Prepend has no \"prepend\"")]
    [DataRow("{\"type\": \"Precompiled\"}", "the normalizer Precompiled has no \"precompiled_charsmap\"")]
    [DataRow("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAECAw==\"}", "of 4 bytes announces a trie of")]
    public void Damaged_normalizers_say_what_is_wrong(string json, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<FormatException>(() => Read(json)).Message, message);

    [TestMethod]
    public void A_character_map_replaces_the_longest_match()
    {
        // keys "a" -> "x", "ab" -> "yz", worked out by hand: a unit is (offset << 10) | (has a value << 8) | label
        uint[] trie = new uint[1024];
        trie[0] = 256 << 10; // children of the root at 256 ^ letter
        (uint a, uint ab) = (256 ^ 'a', 512 ^ 'b');
        trie[a] = ((a ^ 512) << 10) | (1 << 8) | 'a'; // its value at 512, its children at 512 ^ letter
        trie[512] = (1u << 31) | 0;
        trie[ab] = ((ab ^ 768) << 10) | (1 << 8) | 'b';
        trie[768] = (1u << 31) | 2;
        byte[] bytes = [.. BitConverter.GetBytes(trie.Length * 4), .. trie.SelectMany(BitConverter.GetBytes), .. "x\0yz\0"u8];
        PrecompiledCharsMap map = PrecompiledCharsMap.Read(bytes);
        Assert.AreEqual("xcyzéx", map.Normalize("acabéa"));
        trie[a] = (0x3FFFFFu << 10) | (1 << 8) | 'a'; // points out of the trie: no value
        byte[] damaged = [.. BitConverter.GetBytes(trie.Length * 4), .. trie.SelectMany(BitConverter.GetBytes)];
        Assert.AreEqual("ab", PrecompiledCharsMap.Read(damaged).Normalize("ab"));
    }

    private static Normalizer? Read(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return NormalizerJson.Read(document.RootElement, "test");
    }
}
