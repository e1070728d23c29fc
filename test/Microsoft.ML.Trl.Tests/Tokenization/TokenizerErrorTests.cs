using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Tokenization;

[TestClass]
public sealed class TokenizerErrorTests
{
    [TestMethod]
    public void A_folder_that_is_not_there_is_named() => AssertThrows<DirectoryNotFoundException>(
        () => TextTokenizer.Load("/no/such/folder"), "The tokenizer folder '/no/such/folder' does not exist");

    [TestMethod]
    public void A_folder_without_a_tokenizer_says_what_is_missing() => InFolder([], folder =>
        AssertThrows<FileNotFoundException>(
            () => TextTokenizer.Load(folder),
            "neither tokenizer.json, vocab.json with merges.txt, tokenizer.model, spiece.model nor vocab.txt"));

    [TestMethod]
    public void Files_without_a_tokenizer_say_what_is_missing() => AssertThrows<FileNotFoundException>(
        () => TextTokenizer.FromFiles(new Dictionary<string, string> { ["vocab.json"] = "{}" }),
        "neither tokenizer.json nor vocab.json with merges.txt nor vocab.txt. A tokenizer.model is no text; load it from its folder");

    [TestMethod]
    [DataRow("sentencepiece.bpe.model", "SentencePiece (with the ids of fairseq)")]
    [DataRow("tekken.json", "Tekken")]
    public void Other_tokenizers_are_named_by_their_files(string file, string kind) => InFolder(new() { [file] = "?" }, folder =>
        AssertThrows<NotSupportedException>(
            () => TextTokenizer.Load(folder), $"{kind} tokenizers are not supported. Supported are byte-level BPE tokenizers (GPT-2"));

    [TestMethod]
    [DataRow("""{"model": {"type": "WordLevel", "vocab": {}}}""", "WordLevel tokenizers are not supported")]
    [DataRow("""{"model": {"vocab": {}}}""", "untyped tokenizers are not supported")]
    public void Other_models_are_named(string json, string message) => AssertThrows<NotSupportedException>(() => FromJson(json), message);

    [TestMethod]
    [DataRow("byte_fallback", "true", "byte-level BPE with byte_fallback")]
    [DataRow("end_of_word_suffix", "\"</w>\"", "BPE with end_of_word_suffix \"</w>\"")]
    [DataRow("continuing_subword_prefix", "\"##\"", "BPE with continuing_subword_prefix \"##\"")]
    [DataRow("dropout", "0.1", "BPE with dropout")]
    public void Kinds_of_bpe_that_are_not_byte_level_are_named(string key, string value, string message)
        => AssertThrows<NotSupportedException>(() => TinyTokenizer.Create(json => json["model"]![key] = JsonNode.Parse(value)), message);

    [TestMethod]
    [DataRow("normalizer", """{"type": "ByteLevel"}""", "the normalizer ByteLevel is not supported. Supported are NFC, NFD,")]
    [DataRow("normalizer", """{"types": "NFC"}""", "the normalizer without a type is not supported")]
    [DataRow("decoder", """{"type": "CTC"}""", "the decoder CTC is not supported. Supported are ByteLevel, Metaspace,")]
    [DataRow("decoder", """{"type": "Sequence", "decoders": [{"type": "BPEDecoder"}]}""", "the decoder BPEDecoder is not supported")]
    [DataRow("post_processor", """{"type": "Other"}""", "the post-processor Other is not supported. Supported are ByteLevel, Template")]
    [DataRow("post_processor", "{}", "the post-processor without a type is not supported")]
    [DataRow("pre_tokenizer", """{"type": "UnicodeScripts"}""", "the pre-tokenizer UnicodeScripts is not supported. Supported are")]
    [DataRow("pre_tokenizer", "{}", "the pre-tokenizer without a type is not supported")]
    [DataRow(
        "pre_tokenizer",
        """{"type": "Sequence", "pretokenizers": [{"type": "Metaspace"}, {"type": "ByteLevel"}]}""",
        "twice pre-tokenizing (by ByteLevel or Metaspace) tokenizers are not supported")]
    [DataRow(
        "pre_tokenizer",
        """{"type": "Sequence", "pretokenizers": [{"type": "Digits"}, {"type": "ByteLevel", "add_prefix_space": true}]}""",
        "adds blanks after another cut")]
    [DataRow(
        "pre_tokenizer",
        """{"type": "Split", "pattern": {"Regex": "[a&&b]"}, "behavior": "Isolated"}""",
        "uses the intersection of classes, which is not supported")]
    public void Parts_that_are_not_supported_are_named(string key, string value, string message)
        => AssertThrows<NotSupportedException>(() => TinyTokenizer.Create(json => json[key] = JsonNode.Parse(value)), message);

    [TestMethod]
    [DataRow("{", "is not a tokenizer.json that can be read")]
    [DataRow("[]", "is not a tokenizer.json that can be read")]
    [DataRow("{}", "tokenizer.json of the given files has no \"model\"")]
    [DataRow("""{"model": {"type": "BPE", "vocab": {}, "merges": []}}""", "the vocabulary is empty")]
    [DataRow("""{"model": {"type": "BPE", "vocab": {"a": "x"}, "merges": []}}""", "is not a tokenizer.json that can be read")]
    [DataRow(
        """{"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}""",
        "gives \"b\" the id 0, which is negative or given twice (\"a\")")]
    [DataRow("""{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}""", "gives \"a\" the id -1, which is negative")]
    [DataRow(
        """{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [], "unk_token": "?"}}""",
        "the unk_token \"?\" of the model is not in its vocabulary")]
    [DataRow("""{"model": {"type": "BPE", "vocab": {"a": 0}}}""", "is not a tokenizer.json that can be read")]
    public void Damaged_files_say_what_is_wrong(string json, string message)
        => AssertThrows<InvalidDataException>(() => FromJson(json), message);

    [TestMethod]
    [DataRow("""["a b c"]""", "merge 0 is \"a b c\"; two tokens without blanks are needed")]
    [DataRow("""["a b", "ab"]""", "merge 1 is \"ab\"")]
    [DataRow("""[["a", ""]]""", "merge 0 is [\"a\",\"\"]")]
    [DataRow("""["a q"]""", "merge 0 (a + q) needs the token \"q\", which is not in the vocabulary")]
    [DataRow("""["b a"]""", "merge 0 (b + a) needs the token \"ba\"")]
    public void Damaged_merges_are_named(string merges, string message) => AssertThrows<InvalidDataException>(
        () => TinyTokenizer.Create(json => json["model"]!["merges"] = JsonNode.Parse(merges)), message);

    [TestMethod]
    [DataRow("""[{"id": 9}]""", "an added token has no \"content\"")]
    [DataRow("""[{"content": "<q>"}]""", "the added token \"<q>\" (id -1) is there twice, or has no id or a negative one")]
    [DataRow("""[{"id": -9, "content": "<q>"}]""", "the added token \"<q>\" (id -9)")]
    [DataRow("""[{"id": 9, "content": "<q>"}, {"id": 10, "content": "<q>"}]""", "is there twice")]
    public void Damaged_added_tokens_are_named(string tokens, string message)
        => AssertThrows<InvalidDataException>(() => TinyTokenizer.Create(json => json["added_tokens"] = JsonNode.Parse(tokens)), message);

    [TestMethod]
    [DataRow("""[{"SpecialToken": {"id": "<q>"}}, {"Sequence": {"id": "A"}}]""", "names the special token \"<q>\" but does not define it")]
    [DataRow("""[]""", "contains the text 0 times; once is needed")]
    public void Damaged_templates_are_named(string single, string message) => AssertThrows<InvalidDataException>(
        () => TinyTokenizer.Create(json => json["post_processor"] = new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = JsonNode.Parse(single),
            ["special_tokens"] = new JsonObject(),
        }),
        message);

    [TestMethod]
    public void An_unknown_split_behavior_is_named()
    {
        const string split = """{"type": "Split", "pattern": {"String": "a"}, "behavior": "Sideways"}""";
        AssertThrows<InvalidDataException>(
            () => TinyTokenizer.Create(json => json["pre_tokenizer"] = JsonNode.Parse(split)), "Sideways is not known");
    }

    [TestMethod]
    public void A_special_token_that_is_not_in_the_vocabulary_is_named()
    {
        Dictionary<string, string> files = TinyTokenizer.Files();
        files["tokenizer_config.json"] = """{"eos_token": "</s>"}""";
        AssertThrows<InvalidDataException>(
            () => TextTokenizer.FromFiles(files),
            "The eos_token \"</s>\" of the given files is not in the vocabulary. Correct tokenizer_config.json");
    }

    [TestMethod]
    public void A_damaged_configuration_is_named()
    {
        Dictionary<string, string> files = TinyTokenizer.Files();
        files["tokenizer_config.json"] = """{"eos_token": 3}""";
        AssertThrows<InvalidDataException>(() => TextTokenizer.FromFiles(files), "tokenizer_config.json of the given files cannot be read");
    }

    [TestMethod]
    [DataRow("{", "a b", "{}", "vocab.json and merges.txt of the given files cannot be read")]
    [DataRow(
        """{"a": 0, "b": 1, "ab": 2}""",
        "a b c",
        "{}",
        "merges.txt has the line \"a b c\"; two tokens with one blank between them are needed")]
    [DataRow("""{"a": 0}""", "", """{"tokenizer_class": "RobertaTokenizer"}""", "the special token \"</s>\" is not in the vocabulary")]
    public void Damaged_vocabulary_files_are_named(string vocabulary, string merges, string config, string message)
        => AssertThrows<InvalidDataException>(() => Legacy(vocabulary, merges, config), message);

    [TestMethod]
    public void A_vocabulary_of_another_tokenizer_class_is_named() => AssertThrows<NotSupportedException>(
        () => Legacy("""{"a": 0}""", "", """{"tokenizer_class": "CLIPTokenizer"}"""),
        "CLIPTokenizer tokenizers are not supported");

    [TestMethod]
    public void A_file_that_is_not_utf8_is_named()
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.json"), [0x7B, 0xFF, 0x7D]);
        AssertThrows<InvalidDataException>(() => TextTokenizer.Load(folder), "tokenizer.json' is not UTF-8 text");
        Directory.Delete(folder, recursive: true);
    }

    [TestMethod]
    public void Missing_arguments_are_refused()
    {
        Assert.ThrowsExactly<ArgumentException>(() => TextTokenizer.Load(""));
        Assert.ThrowsExactly<ArgumentNullException>(() => TextTokenizer.FromFiles(null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => TinyTokenizer.Create().Encode(null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => TinyTokenizer.Create().Decode(null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => BpeTrainer.Train(null!, 300));
    }

    private static TextTokenizer FromJson(string json)
        => TextTokenizer.FromFiles(new Dictionary<string, string> { ["tokenizer.json"] = json });

    private static TextTokenizer Legacy(string vocabulary, string merges, string config)
        => TextTokenizer.FromFiles(new Dictionary<string, string>
        {
            ["vocab.json"] = vocabulary,
            ["merges.txt"] = merges,
            ["tokenizer_config.json"] = config,
        });

    private static void InFolder(Dictionary<string, string> files, Action<string> check)
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
        foreach ((string name, string text) in files)
            File.WriteAllText(Path.Combine(folder, name), text);
        check(folder);
        Directory.Delete(folder, recursive: true);
    }

    private static void AssertThrows<T>(Action action, string message) where T : Exception
        => StringAssert.Contains(Assert.ThrowsExactly<T>(action).Message, message);

    [TestMethod]
    public void Any_value_of_a_file_may_be_spoilt_and_is_either_read_or_refused()
    {
        Dictionary<string, string> whole = TinyTokenizer.Files(json =>
        {
            json["pre_tokenizer"] = JsonNode.Parse(PreTokenizer);
            json["post_processor"] = JsonNode.Parse(Template);
            json["normalizer"] = JsonNode.Parse("{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}]}");
        });
        whole["tokenizer_config.json"] = "{\"eos_token\":{\"content\":\"<m>\"},\"bos_token\":\"<m>\",\"add_bos_token\":true}";
        whole["special_tokens_map.json"] = "{\"pad_token\":\"<m>\"}";
        CheckAll(whole);
        CheckAll(new Dictionary<string, string>
        {
            ["vocab.json"] = "{\"a\":0,\"b\":1,\"ab\":2}",
            ["merges.txt"] = "a b",
            ["added_tokens.json"] = "{\"<m>\":3}",
            ["tokenizer_config.json"] = "{\"eos_token\":\"<m>\",\"added_tokens_decoder\":{\"3\":{\"content\":\"<m>\"}},"
                + "\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":false,\"add_bos_token\":false}",
        });
    }

    private const string PreTokenizer = """
        {"type": "Sequence", "pretokenizers": [
          {"type": "Split", "pattern": {"Regex": "a|b"}, "behavior": "Isolated", "invert": false},
          {"type": "Digits", "individual_digits": true},
          {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}
        """;

    private const string Template = """
        {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "<m>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
         "special_tokens": {"<m>": {"id": "<m>", "ids": [9], "tokens": ["<m>"]}}}
        """;

    private static void CheckAll(Dictionary<string, string> files)
    {
        TextTokenizer.FromFiles(files); // the unspoilt ones can be read
        List<string> wrong = [];
        foreach (string name in files.Keys.Where(name => name.EndsWith(".json", StringComparison.Ordinal)))
            foreach ((string what, string json) in Spoilt.Variants(files[name]))
                try
                {
                    TextTokenizer.FromFiles(new Dictionary<string, string>(files) { [name] = json }).Encode("ab <m> 12 a", true);
                }
                catch (Exception refused) when (refused is InvalidDataException or NotSupportedException)
                {
                    Assert.AreNotEqual("", refused.Message);
                }
                catch (Exception other)
                {
                    wrong.Add($"{name}: {what} gives {other.GetType().Name}: {other.Message}");
                }
        Assert.AreEqual("", string.Join('\n', wrong));
    }
}
