using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.Checkpoints;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Text;

/// <summary>Whole language models in GGUF, and the tokenizers in them.</summary>
[TestClass]
public sealed class GgufTokenizerTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    private string File => Path.Combine(_folder, "x.gguf");

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void A_language_model_is_saved_loaded_and_trained_from()
    {
        int size = Tiny.Tokenizer.VocabularySize + 20; // llama.cpp wants a token for each row of the embedding
        using LanguageModel model = new(CausalLanguageModel.Create(ModelConfig.Llama(size, 32, 2, 4, 32), 1), Tiny.Tokenizer);
        model.SaveGguf(File, GgufType.F16);
        using LanguageModel read = LanguageModel.LoadGguf(File);
        Assert.AreEqual(size, read.Network.Config.VocabularySize);
        Assert.AreEqual(model.Tokenizer.EosTokenId, read.Tokenizer.EosTokenId);
        Assert.IsNull(read.Tokenizer.IdOf($"[PAD{size - 1}]"));
        CollectionAssert.AreEqual(model.Tokenizer.Encode("the film was Ünique"), read.Tokenizer.Encode("the film was Ünique"));
        Assert.AreEqual(model.Complete("the film", Tiny.Greedy), read.Complete("the film", Tiny.Greedy));
        read.Save(Path.Combine(_folder, "folder"));
        using LanguageModel again = LanguageModel.Load(Path.Combine(_folder, "folder"));
        Assert.AreEqual(model.Complete("the film", Tiny.Greedy), again.Complete("the film", Tiny.Greedy));

        MLContext ml = new(1);
        IDataView rows = ml.Data.LoadFromEnumerable(Tiny.Pairs);
        var options = new SftOptions { MaxSteps = 1, PerDeviceTrainBatchSize = 2 };
        using TextGenerationTransformer trained = ml.Trl().Sft(ModelSource.Gguf(File), options).Fit(rows);
        Assert.HasCount(1, trained.Reports);
        using RewardTransformer reward = ml.Trl().RewardModel(
            ModelSource.Gguf(File, Tiny.Tokenizer), new RewardOptions { MaxSteps = 1, PerDeviceTrainBatchSize = 2 }).Fit(rows);
        Assert.HasCount(1, reward.Reports);
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("qwen2")]
    [DataRow("llama3")]
    public void A_tokenizer_in_a_file_gives_the_ids_of_the_reference(string kind)
    {
        using JsonDocument expected = Fixtures.SharedJson("tokenizers", kind, "expected.json");
        TextTokenizer tokenizer = TextTokenizer.Load(Fixtures.Shared("tokenizers", kind));
        GgufWriter.Write(File, [.. GgufTokenizer.Write(tokenizer, tokenizer.VocabularySize)], []);
        using GgufFile file = GgufFile.Open(File);
        TextTokenizer read = GgufTokenizer.Read(file.Metadata);
        foreach (JsonElement entry in expected.RootElement.GetProperty("cases").EnumerateArray())
            CollectionAssert.AreEqual(
                entry.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray(),
                read.Encode(entry.GetProperty("text").GetString()!, addSpecialTokens: true));
        Assert.AreEqual(tokenizer.BosToken, read.BosToken);
        Assert.AreEqual(tokenizer.EosToken, read.EosToken);
        Assert.AreEqual(tokenizer.PadToken, read.PadToken);
        string? Template(TextTokenizer of) => (string?)JsonNode.Parse(of.Files()["tokenizer_config.json"])!["chat_template"];
        Assert.AreEqual(Template(tokenizer), Template(read));
    }

    /// <summary>Tokens, types (1 normal, 3 control) and merges as the specification has them.</summary>
    [TestMethod]
    public void A_tokenizer_put_together_by_hand_is_read()
    {
        using GgufFile file = Opened(bytes => bytes);
        TextTokenizer tokenizer = GgufTokenizer.Read(file.Metadata);
        CollectionAssert.AreEqual(new[] { 3, 2, 1 }, tokenizer.Encode("ab<end>b"));
        Assert.AreEqual("<end>", tokenizer.EosToken);
    }

    [TestMethod]
    [DataRow("t5", "'t5'; only 'gpt2' and 'llama' are read from GGUF. Give the tokenizer of the same model")]
    [DataRow("bert", "'bert'; only 'gpt2' and 'llama' are read")]
    public void Other_kinds_say_what_to_do(string kind, string message)
    {
        using GgufFile file = Opened(bytes => bytes, kind);
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => GgufTokenizer.Read(file.Metadata)).Message, message);
    }

    [TestMethod]
    public void What_contradicts_itself_is_named()
    {
        Refused<NotSupportedException>(
            bytes => bytes.Value("tokenizer.ggml.pre", "falcon"), "cuts texts by 'falcon'; read are gpt-2, default");
        Refused<InvalidDataException>(
            bytes => bytes.Value("tokenizer.ggml.bos_token_id", 9), "has 4 tokens, but tokenizer.ggml.bos_token_id is 9");
        Refused<InvalidDataException>(bytes => bytes, "has 3 tokens, but 4 types", tokens: ["a", "b", "c"]);
        Refused<InvalidDataException>(bytes => bytes, "has the token 'a' twice", tokens: ["a", "a", "<end>", "ab"]);
        Refused<InvalidDataException>(bytes => bytes, "has the merge 'a b c'", merge: "a b c");

        void Refused<T>(Func<GgufBytes, GgufBytes> change, string message, string[]? tokens = null, string merge = "a b")
            where T : Exception
        {
            using GgufFile file = Opened(change, "gpt2", tokens, merge);
            StringAssert.Contains(Assert.ThrowsExactly<T>(() => GgufTokenizer.Read(file.Metadata)).Message, message);
        }
    }

    [TestMethod]
    public void A_tokenizer_that_cuts_otherwise_is_not_written()
    {
        JsonObject json = JsonNode.Parse(Tiny.Tokenizer.Files()["tokenizer.json"])!.AsObject();
        json["pre_tokenizer"]!["add_prefix_space"] = true;
        TextTokenizer tokenizer = TextTokenizer.FromFiles(new Dictionary<string, string>
        {
            ["tokenizer.json"] = json.ToJsonString(),
            ["tokenizer_config.json"] = Tiny.Tokenizer.Files()["tokenizer_config.json"],
        });
        using LanguageModel model = new(
            CausalLanguageModel.Create(ModelConfig.Llama(tokenizer.VocabularySize, 32, 1, 4, 32), 1), tokenizer);
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => model.SaveGguf(File, GgufType.F16)).Message, "convert_hf_to_gguf.py");
        Assert.ThrowsExactly<ArgumentException>(() => model.SaveGguf(File, (GgufType)9));
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    private GgufFile Opened(Func<GgufBytes, GgufBytes> change, string kind = "gpt2", string[]? tokens = null, string merge = "a b")
    {
        tokens ??= ["a", "b", "<end>", "ab"];
        byte[] types = [.. new[] { 1, 1, 3, 1 }.SelectMany(BitConverter.GetBytes)];
        GgufBytes bytes = new GgufBytes().Value("tokenizer.ggml.model", kind)
            .Value("tokenizer.ggml.tokens", 9,
                [.. GgufBytes.U32(8), .. GgufBytes.U64((ulong)tokens.Length), .. tokens.SelectMany(GgufBytes.Text)])
            .Value("tokenizer.ggml.token_type", 9, [.. GgufBytes.U32(5), .. GgufBytes.U64(4), .. types])
            .Value("tokenizer.ggml.merges", 9, [.. GgufBytes.U32(8), .. GgufBytes.U64(1), .. GgufBytes.Text(merge)])
            .Value("tokenizer.ggml.eos_token_id", 2);
        System.IO.File.WriteAllBytes(File, change(bytes).Done());
        return GgufFile.Open(File);
    }
}
