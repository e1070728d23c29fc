using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>Tokenizers small enough to work out by hand, one of each kind beside byte-level BPE.</summary>
[TestClass]
public sealed class TokenizerKindTests
{
    private const string Added = """
        "added_tokens": [{"id": 0, "content": "<u>", "special": true}, {"id": 1, "content": "<s>", "special": true}],
        """;

    private const string Pairs = """
        "post_processor": {"type": "TemplateProcessing",
          "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
          "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
          "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        """;

    internal const string SentencePiece = $$$"""
        { {{{Added}}} {{{Pairs}}}
          "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
          "pre_tokenizer": null,
          "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
          "model": {"type": "BPE", "unk_token": "<u>", "fuse_unk": true, "byte_fallback": true,
            "vocab": {"<u>": 0, "<s>": 1, "▁": 2, "a": 3, "b": 4, "ab": 5, "▁ab": 6, "▁▁": 7, "<0xC3>": 8, "<0xA9>": 9},
            "merges": ["▁ ▁", "a b", "▁ ab"]}}
        """;

    internal const string Unigram = $$$"""
        { {{{Added}}} {{{Pairs}}}
          "normalizer": null,
          "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true},
          "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true},
          "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
            "vocab": [["<u>", 0], ["<s>", 0], ["▁", -2], ["a", -2.5], ["b", -2.25], ["ab", -5], ["▁a", -4], ["ba", -4.5]]}}
        """;

    internal const string WordPiece = $$$"""
        { {{{Added}}}
          "normalizer": {"type": "BertNormalizer"}, "pre_tokenizer": {"type": "BertPreTokenizer"},
          "post_processor": {"type": "BertProcessing", "sep": ["<u>", 0], "cls": ["<s>", 1]},
          "decoder": {"type": "WordPiece"},
          "model": {"type": "WordPiece", "unk_token": "<u>", "max_input_chars_per_word": 4,
            "vocab": {"<u>": 0, "<s>": 1, "a": 2, "##b": 3, "ab": 4, "##c": 6, ".": 7}}
        }
        """;

    [TestMethod]
    [DataRow("ab", new[] { 6 })]
    [DataRow(" ab", new[] { 7, 5 })] // two blanks are joined before anything else
    [DataRow("ab ab", new[] { 6, 6 })]
    [DataRow("b a", new[] { 2, 4, 2, 3 })]
    [DataRow("é", new[] { 2, 8, 9 })]
    [DataRow("xyax", new[] { 2, 0, 3, 0 })] // a run of unknown characters is one token
    [DataRow("a<s>b", new[] { 2, 3, 1, 2, 4 })] // each stretch between special tokens begins with a blank
    [DataRow("", new int[0])]
    public void Sentence_piece_bpe(string text, int[] expected) => AssertIds(expected, Create(SentencePiece).Encode(text));

    [TestMethod]
    public void Merges_of_long_pieces_are_those_of_short_ones()
    {
        var random = new Random(3);
        string text = new([.. Enumerable.Range(0, 3000).Select(_ => "ab"[random.Next(2)])]);
        string merged = ('▁' + text).Replace("ab", "c", StringComparison.Ordinal).Replace("▁c", "d", StringComparison.Ordinal);
        int[] expected = [.. merged.Select(letter => "▁abcd".IndexOf(letter) + 2)];
        AssertIds(expected, Create(SentencePiece).Encode(text));
    }

    [TestMethod]
    [DataRow("ab", new[] { 6, 4 })] // ▁a + b = -6.25; ▁ + ab = -7; ▁ + a + b = -6.75
    [DataRow("aba", new[] { 6, 7 })] // ▁a + ba = -8.5; ▁a + b + a = -8.75
    [DataRow("xy a", new[] { 2, 0, 6 })]
    [DataRow("a<s>b", new[] { 6, 1, 4 })] // only the beginning of the text gets a blank
    [DataRow(" a", new[] { 6 })]
    public void Unigram_takes_the_most_probable_way(string text, int[] expected) => AssertIds(expected, Create(Unigram).Encode(text));

    [TestMethod]
    [DataRow("AB abc", new[] { 4, 4, 6 })]
    [DataRow("a.b", new[] { 2, 7, 0 })] // no word begins with b
    [DataRow("abbb", new[] { 4, 3, 3 })]
    [DataRow("abbbb", new[] { 0 })] // longer than four characters
    [DataRow("<s>a", new[] { 1, 2 })]
    public void Word_piece_takes_the_longest_beginning(string text, int[] expected) => AssertIds(expected, Create(WordPiece).Encode(text));

    [TestMethod]
    public void Words_are_measured_in_characters()
    {
        TextTokenizer tokenizer = Create(WordPiece, json => json["model"]!["vocab"]!["𝐀𝐀𝐀𝐀"] = 8); // eight UTF-16 units
        AssertIds([8], tokenizer.Encode("𝐀𝐀𝐀𝐀"));
        AssertIds([0], tokenizer.Encode("𝐀𝐀𝐀𝐀𝐀"));
    }

    [TestMethod]
    public void Pairs_have_special_tokens_between_them_and_types()
    {
        (int[] ids, int[] types) = Create(SentencePiece).EncodePair("ab", "b");
        AssertIds([1, 6, 1, 2, 4], ids);
        AssertIds([0, 0, 1, 1, 1], types);
        (ids, types) = Create(WordPiece).EncodePair("ab", "a.");
        AssertIds([1, 4, 0, 2, 7, 0], ids);
        AssertIds([0, 0, 0, 1, 1, 1], types);
        (ids, types) = Create(WordPiece, json => json["post_processor"]!["type"] = "RobertaProcessing").EncodePair("ab", "a");
        AssertIds([1, 4, 0, 0, 2, 0], ids);
        AssertIds([0, 0, 0, 0, 0, 0], types);
        (ids, types) = Create(WordPiece, json => json["post_processor"] = null).EncodePair("ab", "a");
        AssertIds([4, 2], ids);
        AssertIds([0, 1], types);
        TextTokenizer single = Create(SentencePiece, json => json["post_processor"]!["pair"] = null);
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => single.EncodePair("a", "b")).Message, "has no template for a pair of texts");
    }

    [TestMethod]
    public void Special_tokens_are_ordinary_text_when_asked_for()
    {
        AssertIds([2, 0, 3, 0], Create(SentencePiece).EncodeOrdinary("<a>"));
        AssertIds([2, 0], Create(SentencePiece).EncodeOrdinary("<s>"));
        AssertIds([TinyTokenizer.A, TinyTokenizer.Mark], TinyTokenizer.Create().Encode("a<m>"));
        AssertIds([TinyTokenizer.A], TinyTokenizer.Create().EncodeOrdinary("a<m>")); // it has no tokens for these letters
        Assert.ThrowsExactly<ArgumentNullException>(() => TinyTokenizer.Create().EncodeOrdinary(null!));
    }

    [TestMethod]
    public void A_batch_keeps_its_order()
    {
        TextTokenizer tokenizer = Create(SentencePiece);
        string[] texts = [.. Enumerable.Range(0, 500).Select(i => new string('a', i % 7) + new string('b', i % 5))];
        int[][] ids = tokenizer.EncodeBatch(texts, addSpecialTokens: true);
        for (int i = 0; i < texts.Length; i++)
            AssertIds(tokenizer.Encode(texts[i], addSpecialTokens: true), ids[i]);
        string message = Assert.ThrowsExactly<ArgumentException>(() => tokenizer.EncodeBatch(["a", null!])).Message;
        StringAssert.Contains(message, "One of the texts is null; an empty text is allowed");
    }

    [TestMethod]
    public void A_completion_loses_a_character_cut_at_its_end()
    {
        TextTokenizer tokenizer = Create(SentencePiece);
        Assert.AreEqual("a é", tokenizer.DecodeCompletion([2, 3, 2, 8, 9, 8]));
        Assert.AreEqual("a \uFFFD\uFFFD\uFFFD", tokenizer.Decode([2, 3, 2, 8, 9, 8]));
    }

    [TestMethod]
    [DataRow(SentencePiece)]
    [DataRow(Unigram)]
    [DataRow(WordPiece)]
    public void A_pad_token_can_be_added_and_the_files_keep_it(string json)
    {
        TextTokenizer tokenizer = Create(json);
        TextTokenizer padded = tokenizer.WithPadToken("<pad>", tokenizer.VocabularySize);
        Assert.AreEqual((tokenizer.VocabularySize, tokenizer.VocabularySize + 1), (padded.PadTokenId, padded.VocabularySize));
        Assert.IsTrue(tokenizer.IsReadBy(padded));
        AssertIds([.. tokenizer.Encode("ab a"), padded.PadTokenId!.Value], TextTokenizer.FromFiles(padded.Files()).Encode("ab a<pad>"));
    }

    [TestMethod]
    [DataRow(WordPiece, "unk_token", "\"?\"", "the unk_token \"?\" of the model is not in its vocabulary")]
    [DataRow(WordPiece, "max_input_chars_per_word", "0", "max_input_chars_per_word is 0; it must be at least 1 and at most 1048576")]
    [DataRow(WordPiece, "max_input_chars_per_word", "2000000", "is 2000000; it must be at least 1 and at most 1048576")]
    [DataRow(Unigram, "unk_id", "null", "the unk_id of the model is absent or negative; the number of one of its 8 tokens is needed")]
    [DataRow(Unigram, "unk_id", "8", "the unk_id of the model is 8; the number of one of its 8 tokens is needed")]
    [DataRow(Unigram, "vocab", "[]", "the vocabulary is empty")]
    [DataRow(Unigram, "vocab", "[[null, 1]]", "token 0 of the vocabulary has no text")]
    public void Damaged_models_say_what_is_wrong(string json, string key, string value, string message)
    {
        Action create = () => Create(json, root => root["model"]![key] = JsonNode.Parse(value));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(create).Message, message);
    }

    [TestMethod]
    [DataRow(-1)]
    [DataRow(8)]
    public void A_template_with_an_id_that_no_token_has_says_so(int id)
    {
        Action create = () => Create(WordPiece, json => json["post_processor"]!["sep"]![1] = id);
        string message = Assert.ThrowsExactly<InvalidDataException>(create).Message;
        StringAssert.Contains(message, $"the post-processor adds the id {id}; ids of tokens are 0 to 7");
    }

    [TestMethod]
    public void Parts_that_do_not_go_together_are_named()
    {
        Action bytes = () => Create(Unigram, json => json["pre_tokenizer"] = JsonNode.Parse("{\"type\": \"ByteLevel\"}"));
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(bytes).Message, "Unigram with a ByteLevel pre-tokenizer");
        Action line = () => Create(WordPiece, json => json["model"]!["vocab"]!["a\nb"] = 9);
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(line).Message, "WordPiece with a line end or byte order mark");
        Action pair = () => Create(SentencePiece, json => json["post_processor"]!["pair"] = new JsonArray());
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(pair).Message,
            "contains the first 0 times and the second 0 times; once each is needed");
    }

    [TestMethod]
    [DataRow(SentencePiece)]
    [DataRow(Unigram)]
    [DataRow(WordPiece)]
    public void Any_value_of_a_file_may_be_spoilt_and_is_either_read_or_refused(string json)
    {
        Assert.AreNotEqual(0, Create(json).Encode("ab").Length);
        List<string> wrong = [];
        foreach ((string what, string spoilt) in Spoilt.Variants(json))
            try
            {
                TextTokenizer tokenizer = Create(spoilt);
                tokenizer.Decode(tokenizer.Encode("ab <s> é. a", true), skipSpecialTokens: false);
                tokenizer.EncodePair("a", "b");
            }
            catch (Exception refused) when (refused is InvalidDataException or NotSupportedException)
            {
                Assert.AreNotEqual("", refused.Message);
            }
            catch (Exception other)
            {
                wrong.Add($"{what} gives {other.GetType().Name}: {other.Message}");
            }
        Assert.AreEqual("", string.Join('\n', wrong));
    }

    private static TextTokenizer Create(string json, Action<JsonNode>? change = null)
    {
        if (change is not null)
        {
            JsonNode root = JsonNode.Parse(json)!;
            change(root);
            json = root.ToJsonString();
        }
        return TextTokenizer.FromFiles(new Dictionary<string, string> { ["tokenizer.json"] = json });
    }

    private static void AssertIds(int[] expected, int[] actual)
        => CollectionAssert.AreEqual(expected, actual, $"expected [{string.Join(", ", expected)}], got [{string.Join(", ", actual)}]");
}
