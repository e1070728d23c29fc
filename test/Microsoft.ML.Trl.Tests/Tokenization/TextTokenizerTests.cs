using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Tokenization.TinyTokenizer;

namespace Microsoft.ML.Trl.Tests.Tokenization;

[TestClass]
public sealed class TextTokenizerTests
{
    [TestMethod]
    public void Merges_are_applied_in_their_order()
    {
        AssertIds([Abc, D, Blank, Abc, BlankAb, D], Create().Encode("abcd abc abd")); // "ab c" is listed before "Ġ ab"
        AssertIds([Abc, X], Create().Encode("abcx"));
    }

    [TestMethod]
    public void An_empty_text_has_no_tokens()
    {
        Assert.AreEqual(0, Create().Encode("").Length);
        Assert.AreEqual("", Create().Decode([]));
    }

    [TestMethod]
    public void Added_tokens_are_cut_out_first()
    {
        AssertIds([A, Mark, B], Create().Encode("a<m>b"));
        AssertIds([Mark, Mark], Create().Encode("<m><m>"));
    }

    [TestMethod]
    public void White_space_around_an_added_token_belongs_to_it_when_it_strips()
    {
        AssertIds([A, Blank, Mark, Blank, B], Create().Encode("a <m> b"));
        AssertIds([A, Mark, Blank, B], WithMark("lstrip").Encode("a <m> b"));
        AssertIds([A, Blank, Mark, B], WithMark("rstrip").Encode("a <m> b"));
        AssertIds([A, Mark, B], WithMark("lstrip", "rstrip").Encode("a  <m>  b"));
        AssertIds([Mark, Mark], WithMark("lstrip", "rstrip").Encode(" <m> <m> "));
    }

    [TestMethod]
    public void A_single_word_token_is_not_found_within_a_word()
    {
        TextTokenizer tokenizer = Create(json =>
        {
            json["added_tokens"]![0]!["content"] = "dd";
            json["added_tokens"]![0]!["single_word"] = true;
        });
        AssertIds([A, D, D], tokenizer.Encode("add"));
        AssertIds([D, D, A], tokenizer.Encode("dda"));
        AssertIds([A, Blank, Mark], tokenizer.Encode("a dd"));
        AssertIds([Mark], tokenizer.Encode("dd"));
    }

    [TestMethod]
    public void The_longest_of_the_added_tokens_that_begin_together_wins()
    {
        TextTokenizer tokenizer = Create(json => json["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 10, ["content"] = "<m>>" }));
        AssertIds([10, Mark], tokenizer.Encode("<m>><m>"));
        Assert.AreEqual(11, tokenizer.VocabularySize);
    }

    [TestMethod]
    public void A_normalized_added_token_is_found_in_normalized_text()
    {
        TextTokenizer tokenizer = Create(json =>
        {
            json["normalizer"] = new JsonObject { ["type"] = "NFC" };
            json["added_tokens"]![0]!["content"] = "<\u00E9>";
            json["added_tokens"]![0]!["normalized"] = true;
        });
        AssertIds([A, Mark], tokenizer.Encode("a<e\u0301>"));
        AssertIds([A, Mark], tokenizer.Encode("a<\u00E9>"));
    }

    [TestMethod]
    public void A_piece_in_the_vocabulary_is_not_taken_apart_when_merges_are_ignored()
    {
        void NoMerges(JsonObject json) => json["model"]!["merges"] = new JsonArray();
        AssertIds([A, B, C], Create(NoMerges).Encode("abc"));
        TextTokenizer tokenizer = Create(json =>
        {
            NoMerges(json);
            json["model"]!["ignore_merges"] = true;
        });
        AssertIds([Abc], tokenizer.Encode("abc"));
        AssertIds([A, B, C, D], tokenizer.Encode("abcd"));
    }

    [TestMethod]
    public void The_template_puts_special_tokens_around_the_text()
    {
        TextTokenizer tokenizer = Create(json => json["post_processor"] = JsonNode.Parse("""
            {"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
              "single": [
                {"SpecialToken": {"id": "<m>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "<m>", "type_id": 0}}],
              "special_tokens": {"<m>": {"id": "<m>", "ids": [9], "tokens": ["<m>"]}}}]}
            """));
        AssertIds([Mark, A, Mark], tokenizer.Encode("a", addSpecialTokens: true));
        AssertIds([A], tokenizer.Encode("a"));
        AssertIds([Mark, Mark], tokenizer.Encode("", addSpecialTokens: true));
    }

    [TestMethod]
    public void The_roberta_processor_begins_with_cls_and_ends_with_sep()
    {
        const string processor = """{"type": "RobertaProcessing", "sep": ["d", 3], "cls": ["<m>", 9]}""";
        TextTokenizer tokenizer = Create(json => json["post_processor"] = JsonNode.Parse(processor));
        AssertIds([Mark, A, D], tokenizer.Encode("a", addSpecialTokens: true));
    }

    [TestMethod]
    public void Of_a_merge_that_is_listed_twice_the_later_place_counts()
    {
        // with "a b" behind "b c" the text "abc" becomes a + bc
        TextTokenizer tokenizer = Create(json =>
        {
            json["model"]!["vocab"]!["bc"] = 10;
            json["model"]!["merges"] = new JsonArray("a b", "b c", "a b");
        });
        AssertIds([A, 10], tokenizer.Encode("abc"));
    }

    [TestMethod]
    public void Decoding_skips_special_tokens_unless_asked_not_to()
    {
        Assert.AreEqual("ab", Create().Decode([A, Mark, B]));
        Assert.AreEqual("a<m>b", Create().Decode([A, Mark, B], skipSpecialTokens: false));
    }

    [TestMethod]
    public void Ids_without_a_token_say_nothing_and_negative_ones_are_an_error()
    {
        Assert.AreEqual("ab", Create().Decode([A, 4711, B]));
        ArgumentOutOfRangeException error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Create().Decode([A, -1]));
        StringAssert.Contains(error.Message, "-1");
    }

    [TestMethod]
    public void A_lone_surrogate_is_read_as_the_replacement_character()
    {
        TextTokenizer tokenizer = BpeTrainer.Train(["some text"], 300);
        string lone = "a\uD83Db\uDE00", replaced = "a\uFFFDb\uFFFD";
        AssertIds(tokenizer.Encode(replaced), tokenizer.Encode(lone));
        Assert.AreEqual(replaced, tokenizer.Decode(tokenizer.Encode(lone)));
    }

    [TestMethod]
    public void A_stream_holds_back_what_is_not_a_character_yet()
    {
        TextTokenizer tokenizer = BpeTrainer.Train(["x"], 257);
        int[] ids = tokenizer.Encode("é😀");
        Assert.AreEqual(6, ids.Length); // one token per byte
        TokenStreamDecoder stream = tokenizer.CreateStreamDecoder();
        CollectionAssert.AreEqual(new[] { "", "é", "", "", "", "😀" }, ids.Select(stream.Append).ToArray());
        Assert.AreEqual("", stream.Flush());
        stream.Append(ids[0]);
        Assert.AreEqual("\uFFFD", stream.Flush());
        Assert.AreEqual("", stream.Append(ids[0]));
        Assert.AreEqual("é", stream.Append(ids[1]));
    }

    [TestMethod]
    public void Special_roles_come_from_the_configuration_and_then_from_the_map()
    {
        Dictionary<string, string> files = Files();
        files["tokenizer_config.json"] =
            """{"bos_token": {"content": "<m>", "lstrip": false}, "eos_token": null, "chat_template": "kept"}""";
        files["special_tokens_map.json"] = """{"bos_token": "a", "eos_token": "<m>", "unk_token": {"content": "d"}}""";
        TextTokenizer tokenizer = TextTokenizer.FromFiles(files);
        Assert.AreEqual((Mark, Mark), (tokenizer.BosTokenId, tokenizer.EosTokenId));
        Assert.AreEqual((null, D), (tokenizer.PadTokenId, tokenizer.UnknownTokenId));
        Assert.AreEqual("<m>", tokenizer.EosToken);
        Assert.AreEqual(files["tokenizer_config.json"], tokenizer.Files()["tokenizer_config.json"]);
    }

    [TestMethod]
    public void Saving_writes_every_file_that_other_programs_look_for()
    {
        string folder = Path.Combine(Directory.CreateTempSubdirectory("tokenizer").FullName, "new", "folder");
        Create().Save(folder);
        CollectionAssert.AreEquivalent(
            new[] { "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json" },
            Directory.GetFiles(folder).Select(Path.GetFileName).ToArray());
        Assert.AreEqual("#version: 0.2\na b\nab c\nĠ ab\n", File.ReadAllText(Path.Combine(folder, "merges.txt")));
        Assert.AreEqual(7, (int)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "vocab.json")))!["abc"]!);
        Directory.Delete(folder, recursive: true);
    }

    [TestMethod]
    public void Gpt2_ids_equal_the_public_ones()
    {
        string data = Path.Combine(Fixtures.Shared(), "..", "data", "tokenizers");
        if (!Directory.Exists(data))
            Assert.Inconclusive("Skipped: it needs GPT-2's vocabulary, and there is no shared/data folder beside the fixtures.");
        TextTokenizer tokenizer = TextTokenizer.FromFiles(new Dictionary<string, string>
        {
            ["vocab.json"] = File.ReadAllText(Path.Combine(data, "gpt2", "encoder.json")),
            ["merges.txt"] = File.ReadAllText(Path.Combine(data, "gpt2", "vocab.bpe")),
        });
        Assert.AreEqual((50257, 50256), (tokenizer.VocabularySize, tokenizer.EosTokenId));
        foreach (string line in File.ReadLines(Path.Combine(data, "golden", "byte_bpe.jsonl")))
        {
            JsonObject row = JsonNode.Parse(line)!.AsObject();
            string text = (string)row["text"]!;
            int[] ids = [.. row["gpt2"]!.AsArray().Select(id => (int)id!)];
            if (!text.Contains("<|endoftext|>", StringComparison.Ordinal))
                AssertIds(ids, tokenizer.Encode(text));
            Assert.AreEqual(text, tokenizer.Decode(ids, skipSpecialTokens: false));
        }
    }

    [TestMethod]
    public void Random_text_comes_back_unchanged()
    {
        string[] texts = ["the quick brown fox jumps over the lazy dog, the dog sleeps", "안녕하세요 세계"];
        TextTokenizer tokenizer = BpeTrainer.Train(texts, 320);
        var random = new Random(1);
        for (int round = 0; round < 300; round++)
        {
            var text = new StringBuilder();
            for (int length = random.Next(40); length > 0; length--)
                text.Append(RandomRune(random).ToString());
            Assert.AreEqual(text.ToString(), tokenizer.Decode(tokenizer.Encode(text.ToString())));
        }
    }

    [TestMethod]
    [DataRow(new[] { 0xE4, 0xBD }, "\uFFFD", "")]
    [DataRow(new[] { 0x61, 0xE4 }, "a\uFFFD", "a")]
    [DataRow(new[] { 0xF0, 0x9F, 0x98 }, "\uFFFD", "")]
    [DataRow(new[] { 0xF0, 0x9F, 0x98, 0x80 }, "😀", "😀")]
    [DataRow(new[] { 0xE4, 0x61 }, "\uFFFDa", "\uFFFDa")]
    [DataRow(new[] { 0x61, 0x80 }, "a\uFFFD", "a\uFFFD")] // no begin of a character
    [DataRow(new[] { 0x61, 0xC0 }, "a\uFFFD", "a\uFFFD")] // a byte that UTF-8 never has
    [DataRow(new int[0], "", "")]
    public void A_completion_loses_the_bytes_of_a_character_cut_at_its_end_and_nothing_else(int[] bytes, string decoded, string completion)
    {
        TextTokenizer tokenizer = BpeTrainer.Train(["x"], 257);
        // GPT-2's letters: 7F to A0 are U+0121 to U+0142, the others that are needed here stand for themselves.
        char letter(int value) => (char)(value is >= 0x7F and <= 0xA0 ? value - 0x7F + 0x121 : value);
        int[] ids = [.. bytes.Select(value => tokenizer.IdOf(letter(value).ToString())!.Value)];
        Assert.AreEqual(decoded, tokenizer.Decode(ids));
        Assert.AreEqual(completion, tokenizer.DecodeCompletion(ids));
        int[] ended = [.. ids, tokenizer.EosTokenId!.Value];
        Assert.AreEqual(completion, tokenizer.DecodeCompletion(ended));
        Assert.AreEqual(decoded + tokenizer.EosToken, tokenizer.DecodeCompletion(ended, skipSpecialTokens: false));
    }

    [TestMethod]
    public void Threads_may_share_a_tokenizer()
    {
        TextTokenizer tokenizer = BpeTrainer.Train([string.Join(' ', Enumerable.Range(0, 2000))], 600);
        string[] texts = [.. Enumerable.Range(0, 500).Select(number => $"{number} {number * 7} words {number % 13}")];
        int[][] alone = [.. texts.Select(text => tokenizer.Encode(text))];
        TextTokenizer shared = TextTokenizer.FromFiles(tokenizer.Files());
        int[][] together = [.. texts.AsParallel().AsOrdered().Select(text => shared.Encode(text))];
        for (int i = 0; i < texts.Length; i++)
            AssertIds(alone[i], together[i]);
    }

    private static Rune RandomRune(Random random) => random.Next(4) switch
    {
        0 => new Rune(random.Next(0x20, 0x7F)),
        1 => new Rune(random.Next(0xD800)),
        2 => new Rune(random.Next(0x10000, 0x110000)),
        _ => new Rune(" \n\t'\u00A0\u3000"[random.Next(6)]),
    };

    private static void AssertIds(int[] expected, int[] actual)
        => CollectionAssert.AreEqual(expected, actual, $"expected [{string.Join(", ", expected)}], got [{string.Join(", ", actual)}]");
}
