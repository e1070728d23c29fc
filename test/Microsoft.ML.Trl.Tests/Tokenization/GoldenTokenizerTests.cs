using System.IO.Compression;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>
/// Ids and texts that other programs made with public vocabularies: the SentencePiece library, tiktoken's algorithm, BERT's own. Those
/// files are other people's and not in the repository: where they are absent these tests are skipped.
/// </summary>
[TestClass]
public sealed class GoldenTokenizerTests
{
    [TestMethod]
    [DataRow("t5", "t5", "spiece.model")]
    [DataRow("mistral_v1", "mistral", "tokenizer.model.v1")]
    [DataRow("mistral_v3", "mistral", "tokenizer.model.v3")]
    [DataRow("google_test", "test_small", "google_test_model.model")]
    [DataRow("google_test_ja", "test_small", "google_test_ja_model.model")]
    [DataRow("torchtune_m", "test_small", "torchtune_m.model")]
    public void Sentence_piece_models_equal_the_library(string key, string folder, string file)
    {
        TextTokenizer tokenizer = InFolder("tokenizer.model", Data(folder, file), TextTokenizer.Load);
        List<string> wrong = [];
        foreach (JsonObject row in Rows("sentencepiece.jsonl"))
        {
            string text = (string)row["text"]!;
            int[] ids = Ints(row[key]!["ids"]!), got = tokenizer.EncodeOrdinary(text);
            if (!ids.SequenceEqual(got))
                wrong.Add($"{text}: expected [{string.Join(' ', ids)}], got [{string.Join(' ', got)}]");
            string expected = (string)row[key]!["decoded"]!, decoded = tokenizer.Decode(ids, skipSpecialTokens: false);
            if (decoded != expected)
                wrong.Add($"{text}: decoded to \"{decoded}\" instead of \"{expected}\"");
        }
        Assert.AreEqual("", string.Join('\n', wrong));
    }

    [TestMethod]
    public void Bert_ids_equal_the_published_algorithm()
    {
        TextTokenizer tokenizer = InFolder("vocab.txt", Data("bert", "bert-base-uncased-vocab.txt"), TextTokenizer.Load);
        Assert.AreEqual((30522, 100, 0), (tokenizer.VocabularySize, tokenizer.UnknownTokenId, tokenizer.PadTokenId));
        foreach (JsonObject row in Rows("bert_uncased.jsonl"))
            CollectionAssert.AreEqual(Ints(row["ids"]!), tokenizer.Encode((string)row["text"]!), (string)row["text"]!);
        CollectionAssert.AreEqual(new[] { 101, 1037, 102 }, tokenizer.Encode("a", addSpecialTokens: true));
        Assert.AreEqual("hello, world!", tokenizer.Decode(tokenizer.Encode("Hello, World!")));
    }

    [TestMethod]
    [DataRow("gpt2", "r50k_base.tiktoken.gz", "gpt2", "mlnet_tokens_gpt2.json")]
    [DataRow("p50k_base", "p50k_base.tiktoken.gz", "p50k_base", "mlnet_tokens_p50k_base.json")]
    [DataRow("cl100k_base", "cl100k_base.tiktoken.gz", "cl100k_base", "mlnet_tokens.json")]
    [DataRow("o200k_base", "o200k_base.tiktoken.gz", "o200k_base", "mlnet_tokens_gpt4o.json")]
    public void Tiktoken_files_equal_the_published_encodings(string encoding, string file, string key, string tokens)
    {
        TextTokenizer tokenizer = Tiktoken(file, encoding);
        string program = File.ReadAllText(Data("golden", "mlnet_lib.rs.txt"));
        int[] programIds = Ints(JsonNode.Parse(File.ReadAllText(Data("golden", tokens)))!);
        CollectionAssert.AreEqual(programIds, tokenizer.Encode(program));
        Assert.AreEqual(program, tokenizer.Decode(programIds));
        foreach (JsonObject row in Rows("byte_bpe.jsonl"))
        {
            string text = (string)row["text"]!;
            int[] ids = Ints(row[key]!);
            CollectionAssert.AreEqual(ids, tokenizer.EncodeOrdinary(text), text);
            Assert.AreEqual(text, tokenizer.Decode(ids), text);
        }
        int end = tokenizer.IdOf("<|endoftext|>")!.Value;
        CollectionAssert.AreEqual(new[] { end }, tokenizer.Encode("<|endoftext|>"));
        Assert.AreEqual(end, tokenizer.EosTokenId);
    }

    private static TextTokenizer Tiktoken(string file, string encoding)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using (FileStream packed = File.OpenRead(Data("tiktoken", file)), plain = File.Create(path))
        using (var unpacked = new GZipStream(packed, CompressionMode.Decompress))
            unpacked.CopyTo(plain);
        TextTokenizer tokenizer = TextTokenizer.FromTiktoken(path, encoding);
        File.Delete(path);
        return tokenizer;
    }

    private static string Data(params string[] parts)
    {
        string path = Path.Combine([Fixtures.Shared(), "..", "data", "tokenizers", .. parts]);
        if (!File.Exists(path))
            Assert.Inconclusive($"Skipped: it needs a public vocabulary that is not in the repository, and there is no {path}.");
        return path;
    }

    private static IEnumerable<JsonObject> Rows(string file)
        => File.ReadLines(Data("golden", file)).Select(line => JsonNode.Parse(line)!.AsObject());

    private static T InFolder<T>(string name, string original, Func<string, T> use)
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
        File.Copy(original, Path.Combine(folder, name));
        T result = use(folder);
        Directory.Delete(folder, recursive: true);
        return result;
    }

    private static int[] Ints(JsonNode array) => [.. array.AsArray().Select(id => (int)id!)];
}
