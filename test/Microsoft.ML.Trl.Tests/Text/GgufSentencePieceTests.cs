using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.Checkpoints;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Text;

/// <summary>SentencePiece tokenizers in GGUF files.</summary>
[TestClass]
public sealed class GgufSentencePieceTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    private string File => Path.Combine(_folder, "x.gguf");

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [DataRow("llama2", "tokenizer.json")]
    [DataRow("llama2", "tokenizer.model")]
    [DataRow("gemma", "tokenizer.model")]
    public void A_tokenizer_that_goes_through_a_file_gives_the_same_ids_and_texts(string kind, string from)
    {
        using JsonDocument expected = Fixtures.SharedJson("tokenizers", kind, "expected.json");
        TextTokenizer tokenizer = Load(kind, from), read = Through(tokenizer, tokenizer.VocabularySize + 7);
        foreach (JsonElement entry in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            string text = entry.GetProperty("text").GetString()!;
            int[] ids = read.Encode(text, addSpecialTokens: true);
            CollectionAssert.AreEqual(tokenizer.Encode(text, addSpecialTokens: true), ids, text);
            Assert.AreEqual(tokenizer.Decode(ids), read.Decode(ids), text);
            if (from == "tokenizer.json")
                CollectionAssert.AreEqual(entry.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray(), ids, text);
        }
        Assert.AreEqual(tokenizer.BosToken, read.BosToken);
        Assert.AreEqual(tokenizer.EosToken, read.EosToken);
        Assert.AreEqual(tokenizer.PadToken, read.PadToken);
        Assert.IsNull(read.IdOf($"[PAD{tokenizer.VocabularySize + 6}]"));
        string? Template(TextTokenizer of) => (string?)JsonNode.Parse(of.Files()["tokenizer_config.json"])!["chat_template"];
        Assert.AreEqual(Template(tokenizer), Template(read));
        Assert.AreEqual(
            JsonNode.Parse(read.Files()["tokenizer.json"])!.ToJsonString(),
            JsonNode.Parse(Through(read, tokenizer.VocabularySize + 7).Files()["tokenizer.json"])!.ToJsonString());
    }

    /// <summary>Types: 2 unknown, 3 control, 1 normal, 6 byte, 4 user-defined, 5 unused.</summary>
    [TestMethod]
    public void A_tokenizer_put_together_by_hand_is_read()
    {
        using GgufFile file = Opened(bytes => bytes);
        TextTokenizer tokenizer = GgufTokenizer.Read(file.Metadata);
        // "▁ab": a and b (-1) are merged before ▁ and a (-2); then ▁ and ab (-3)
        CollectionAssert.AreEqual(new[] { 1, 9 }, tokenizer.Encode("ab", addSpecialTokens: true));
        CollectionAssert.AreEqual(new[] { 8, 6 }, tokenizer.Encode("aa", addSpecialTokens: false));
        CollectionAssert.AreEqual(new[] { 5, 4 }, tokenizer.Encode("!", addSpecialTokens: false)); // no token but the byte
        CollectionAssert.AreEqual(new[] { 10 }, tokenizer.Encode("<u>", addSpecialTokens: false));
        Assert.AreEqual("ab!", tokenizer.Decode([9, 4]));
        Assert.IsNull(tokenizer.IdOf("[PAD11]"));
        Assert.AreEqual("</s>", tokenizer.EosToken);
        using GgufFile plain = Opened(
            bytes => bytes.Value("tokenizer.ggml.add_space_prefix", 7, [0]).Value("tokenizer.ggml.add_bos_token", 7, [0]));
        CollectionAssert.AreEqual(new[] { 3 }, GgufTokenizer.Read(plain.Metadata).Encode("ab", addSpecialTokens: true));
    }

    [TestMethod]
    public void What_contradicts_itself_is_named()
    {
        Refused("has no tokenizer.ggml.scores", scores: null);
        Refused("has 12 tokens, but 1 scores", scores: [1]);
        Refused("tokens 2 are the unknown one; one is needed", types: [2, 3, 2, 1, 6, 1, 1, 1, 1, 1, 4, 5]);
        Refused("token 3 is \"ab\" with the score -1 and the type 0", types: [2, 3, 3, 9, 6, 1, 1, 1, 1, 1, 4, 5]);
        Refused("token 3 is \"ab\" with the score NaN and the type 1", scores: [0, 0, 0, float.NaN, 0, 0, 0, 0, 0, 0, 0, 0]);
        Refused("the token \"a\" is there twice, as 3 and as 6", third: "a");

        void Refused(string message, float[]? scores = null, int[]? types = null, string third = "ab")
        {
            float[]? given = message.Contains("no tokenizer.ggml.scores", StringComparison.Ordinal) ? [] : scores ?? Scores;
            using GgufFile file = Opened(bytes => bytes, given, types, third);
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => GgufTokenizer.Read(file.Metadata)).Message, message);
        }
    }

    [TestMethod]
    public void A_tokenizer_that_llama_cpp_would_read_otherwise_is_not_written()
    {
        using GgufFile file = Opened(bytes => bytes);
        IReadOnlyDictionary<string, string> files = GgufTokenizer.Read(file.Metadata).Files();
        Refused(json => json["normalizer"] = null, "changes texts in other ways");
        Refused(json => json["normalizer"]!["normalizers"]![0]!["prepend"] = "x", "changes texts in other ways");
        Refused(
            json => json["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Metaspace",
                ["replacement"] = "▁",
                ["prepend_scheme"] = "first",
                ["split"] = false,
            },
            "cuts texts by a pre-tokenizer (Metaspace)");
        Refused(json => json["model"]!["merges"]!.AsArray().RemoveAt(0), "llama.cpp would merge 'a b', which it does not");
        Refused(
            json =>
            {
                json["model"]!["vocab"]!["aa"] = 11;
                json["model"]!["merges"]!.AsArray().Add("a a");
                JsonObject added = json["added_tokens"]![0]!.DeepClone().AsObject();
                (added["id"], added["content"]) = (11, "aa");
                json["added_tokens"]!.AsArray().Add(added);
            },
            "llama.cpp would not merge 'a a'");
        Refused(
            json =>
            {
                JsonArray merges = json["model"]!["merges"]!.AsArray();
                JsonNode first = merges[^1]!.DeepClone();
                merges.RemoveAt(merges.Count - 1);
                merges.Insert(0, first);
            },
            "not in an order that one score for each token gives");
        Refused(json => json["model"]!["unk_token"] = null, "has no unknown token");

        void Refused(Action<JsonObject> change, string message)
        {
            JsonObject json = JsonNode.Parse(files["tokenizer.json"])!.AsObject();
            change(json);
            TextTokenizer tokenizer = TextTokenizer.FromFiles(
                new Dictionary<string, string>(files) { ["tokenizer.json"] = json.ToJsonString() });
            StringAssert.Contains(
                Assert.ThrowsExactly<NotSupportedException>(() => GgufTokenizer.Write(tokenizer, 12)).Message, message);
        }
    }

    private static readonly float[] Scores = [0, 0, 0, -1, 0, -9, -9, -9, -2, -3, 0, 0];

    private TextTokenizer Load(string kind, string from)
    {
        if (from == "tokenizer.json")
            return TextTokenizer.Load(Fixtures.Shared("tokenizers", kind));
        string folder = Directory.CreateDirectory(Path.Combine(_folder, kind)).FullName;
        foreach (string name in new[] { from, "tokenizer_config.json" })
            System.IO.File.Copy(Fixtures.Shared("tokenizers", kind, name), Path.Combine(folder, name));
        return TextTokenizer.Load(folder);
    }

    private TextTokenizer Through(TextTokenizer tokenizer, int size)
    {
        GgufWriter.Write(File, [.. GgufTokenizer.Write(tokenizer, size)], []);
        using GgufFile file = GgufFile.Open(File);
        return GgufTokenizer.Read(file.Metadata);
    }

    private GgufFile Opened(Func<GgufBytes, GgufBytes> change, float[]? scores = null, int[]? types = null, string third = "ab")
    {
        string[] tokens = ["<unk>", "<s>", "</s>", third, "<0x21>", "▁", "a", "b", "▁a", "▁ab", "<u>", "[PAD11]"];
        types ??= [2, 3, 3, 1, 6, 1, 1, 1, 1, 1, 4, 5];
        scores ??= Scores;
        GgufBytes bytes = new GgufBytes().Value("tokenizer.ggml.model", "llama")
            .Value("tokenizer.ggml.tokens", 9, Array(8, tokens.Length, tokens.SelectMany(GgufBytes.Text)))
            .Value("tokenizer.ggml.token_type", 9, Array(5, types.Length, types.SelectMany(BitConverter.GetBytes)))
            .Value("tokenizer.ggml.bos_token_id", 1).Value("tokenizer.ggml.eos_token_id", 2);
        if (scores.Length > 0)
            bytes = bytes.Value("tokenizer.ggml.scores", 9, Array(6, scores.Length, scores.SelectMany(BitConverter.GetBytes)));
        System.IO.File.WriteAllBytes(File, change(bytes).Done());
        return GgufFile.Open(File);

        static byte[] Array(uint type, int count, IEnumerable<byte> values) =>
            [.. GgufBytes.U32(type), .. GgufBytes.U64((ulong)count), .. values];
    }
}
