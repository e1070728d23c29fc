using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Trl.Tests.Tokenization;

namespace Microsoft.ML.Trl.Tests.Text;

/// <summary>A tokenizer that gets a pad token, in all of its files, with the numbers that Hugging Face's tokenizers give.</summary>
[TestClass]
public sealed class OwnPadTokenTests
{
    private static readonly ModelConfig Config = ModelConfig.Gpt2(300, 16, 1, 2, 32);

    [TestMethod]
    public void The_new_token_stands_in_every_file()
    {
        (TextTokenizer padded, ModelConfig config) = OwnPadToken.For(Tiny.Tokenizer, Tiny.Config());
        int id = Tiny.Tokenizer.VocabularySize;
        Assert.AreEqual((id, id + 1, "[PAD]"), (padded.PadTokenId, padded.VocabularySize, padded.PadToken));
        Assert.AreEqual((id, id + 1), (config.PadTokenId, config.VocabularySize));
        string folder = Directory.CreateTempSubdirectory("trl-").FullName;
        padded.Save(folder);
        JsonNode token = Json("tokenizer.json")["added_tokens"]!.AsArray()[^1]!;
        Assert.AreEqual((id, "[PAD]"), ((int)token["id"]!, (string)token["content"]!));
        Assert.AreEqual((true, false), ((bool)token["special"]!, (bool)token["normalized"]!));
        Assert.AreEqual("[PAD]", (string?)Json("tokenizer_config.json")["pad_token"]);
        Assert.AreEqual("[PAD]", (string?)Json("special_tokens_map.json")["pad_token"]);
        Assert.AreEqual(id, (int?)Json("vocab.json")["[PAD]"]);
        foreach (string derived in new[] { "tokenizer.json", "special_tokens_map.json" })
            File.Delete(Path.Combine(folder, derived)); // as a folder of vocab.json and merges.txt
        TextTokenizer read = TextTokenizer.Load(folder);
        Directory.Delete(folder, recursive: true);
        Assert.AreEqual(id, read.PadTokenId);
        CollectionAssert.AreEqual(new[] { id }, read.Encode("[PAD]"));

        JsonNode Json(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, name)))!;
    }

    [TestMethod]
    public void Every_other_text_has_the_same_tokens_as_before()
    {
        TextTokenizer padded = OwnPadToken.For(Tiny.Tokenizer, Tiny.Config()).Tokenizer;
        foreach (string text in new[] { "the film was good", "PAD", "[PAD", "a<|endoftext|>b", " \n" })
            CollectionAssert.AreEqual(Tiny.Tokenizer.Encode(text), padded.Encode(text), text);
        Assert.AreEqual("ab", padded.Decode(padded.Encode("a[PAD]b")), "special: left out of texts");
        Assert.IsNull(Tiny.Tokenizer.PadToken);
    }

    /// <summary>
    /// Their rule: a token of the model's vocabulary keeps its id; another gets the next one above the added tokens before it, at least the
    /// size of the vocabulary. The ids in the file are not asked.
    /// </summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Hugging_Face_numbers_all_tokens_as_the_file_does(bool isInVocabulary)
    {
        TextTokenizer tokenizer = TinyTokenizer.Create(json =>
        {
            if (isInVocabulary)
                json["model"]!["vocab"]!["<m>"] = TinyTokenizer.Mark;
            else
                json["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = 10, ["content"] = "<n>" });
        });
        TextTokenizer padded = OwnPadToken.For(tokenizer, Config).Tokenizer;
        JsonNode json = JsonNode.Parse(padded.Files()["tokenizer.json"])!;
        Dictionary<string, int> vocabulary = json["model"]!["vocab"]!.AsObject().ToDictionary(pair => pair.Key, pair => (int)pair.Value!);
        int highest = -1;
        foreach (JsonNode? token in json["added_tokens"]!.AsArray())
        {
            string content = (string)token!["content"]!;
            int id = vocabulary.TryGetValue(content, out int known) ? known : Math.Max(highest + 1, vocabulary.Count);
            highest = Math.Max(highest, id);
            Assert.AreEqual(id, (int)token["id"]!, content);
        }
        Assert.AreEqual((isInVocabulary ? 10 : 11, isInVocabulary ? 10 : 11), (highest, padded.PadTokenId));
    }

    [TestMethod]
    public void Lists_of_added_tokens_and_padding_settings_name_it_too()
    {
        Dictionary<string, string> files = TinyTokenizer.Files(json =>
            json["padding"] = new JsonObject { ["strategy"] = "BatchLongest", ["pad_id"] = 9, ["pad_token"] = "<m>" });
        files["tokenizer_config.json"] = """
            {"eos_token": "<m>", "pad_token": {"content": "<m>"}, "added_tokens_decoder": {"9": {"content": "<m>", "special": true}},
             "chat_template": "kept", "model_max_length": 1000000000000000019884624838656}
            """;
        TextTokenizer padded = OwnPadToken.For(TextTokenizer.FromFiles(files), Config).Tokenizer;
        JsonNode config = JsonNode.Parse(padded.Files()["tokenizer_config.json"])!;
        Assert.AreEqual(
            """{"content":"[PAD]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}""",
            config["added_tokens_decoder"]!["10"]!.ToJsonString());
        Assert.AreEqual(("[PAD]", "kept"), ((string?)config["pad_token"], (string?)config["chat_template"]));
        StringAssert.Contains(padded.Files()["tokenizer_config.json"], "1000000000000000019884624838656");
        JsonNode padding = JsonNode.Parse(padded.Files()["tokenizer.json"])!["padding"]!;
        Assert.AreEqual((10, "[PAD]"), ((int)padding["pad_id"]!, (string)padding["pad_token"]!));
        Assert.AreEqual("BatchLongest", (string?)padding["strategy"]);
    }

    [TestMethod]
    [DataRow("""{"pad_token": "<m>", "eos_token": "<m>"}""", 10, "[PAD]")] // the pad token is an end token
    [DataRow("""{"pad_token": "x", "eos_token": "<m>"}""", TinyTokenizer.X, "x")]
    public void An_end_token_is_no_pad_token(string names, int expected, string token)
    {
        var files = new Dictionary<string, string>(TinyTokenizer.Files()) { ["tokenizer_config.json"] = names };
        (TextTokenizer padded, ModelConfig config) = OwnPadToken.For(TextTokenizer.FromFiles(files), Config);
        Assert.AreEqual((expected, expected, token), (config.PadTokenId, padded.PadTokenId, padded.PadToken));
        Assert.AreEqual(300, config.VocabularySize);
    }

    [TestMethod]
    public void End_tokens_of_the_model_count_too()
    {
        var files = new Dictionary<string, string>(TinyTokenizer.Files()) { ["tokenizer_config.json"] = """{"pad_token": "x"}""" };
        ModelConfig ending = Config with { EosTokenIds = [TinyTokenizer.X] };
        Assert.AreEqual(10, OwnPadToken.For(TextTokenizer.FromFiles(files), ending).Config.PadTokenId);
    }

    [TestMethod]
    [DataRow(null, "[PAD]", 9)]
    [DataRow(9, "[[PAD]]", 10)] // unless it ends texts
    public void A_token_of_that_name_is_taken_though_nothing_calls_it_the_pad_token(int? end, string token, int id)
    {
        TextTokenizer tokenizer = TinyTokenizer.Create(json =>
            (json["added_tokens"]![0]!["content"], json["added_tokens"]![0]!["special"]) = ("[PAD]", false));
        ModelConfig given = end is { } ends ? Config with { EosTokenIds = [ends] } : Config;
        (TextTokenizer padded, ModelConfig config) = OwnPadToken.For(tokenizer, given);
        Assert.AreEqual(id, config.PadTokenId);
        Assert.AreEqual((token, id, id + 1), (padded.PadToken, padded.PadTokenId, padded.VocabularySize));
        Assert.AreEqual("", padded.Decode([id]), "it is special");
    }

    [TestMethod]
    public void A_model_with_a_pad_token_needs_nothing()
    {
        ModelConfig config = Config with { PadTokenId = 0 };
        (TextTokenizer tokenizer, ModelConfig same) = OwnPadToken.For(Tiny.Tokenizer, config);
        Assert.AreSame(Tiny.Tokenizer, tokenizer);
        Assert.AreSame(config, same);
    }
}
