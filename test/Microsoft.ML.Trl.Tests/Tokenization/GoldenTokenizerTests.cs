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
