using System.IO.Compression;
using System.Text;

namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>GPT-2's byte-level BPE on a few megabytes of English and Japanese text, which lie beside the repository (TRL_SHARED).</summary>
internal static class Tokenization
{
    private static readonly string[] Texts = ["tinyshakespeare.txt", "us_presidential_speeches.txt.gz", "wagahai_ja_plain.txt.gz"];

    /// <returns>Tokens of one step.</returns>
    public static int Encode(Measurement measured, bool batches)
    {
        string shared = Environment.GetEnvironmentVariable("TRL_SHARED") ?? throw new InvalidOperationException(
            "The texts and GPT-2's vocabulary are not in the repository; set TRL_SHARED to the folder that has them in data/.");
        string data = Path.Combine(shared, "data");
        TextTokenizer tokenizer = TextTokenizer.FromFiles(new Dictionary<string, string>
        {
            ["vocab.json"] = File.ReadAllText(Path.Combine(data, "tokenizers", "gpt2", "encoder.json")),
            ["merges.txt"] = File.ReadAllText(Path.Combine(data, "tokenizers", "gpt2", "vocab.bpe")),
        });
        string[] paragraphs = [.. Texts.SelectMany(name => Read(Path.Combine(data, "text", name)).Split("\n\n"))];
        measured.TextBytes = paragraphs.Sum(text => (long)Encoding.UTF8.GetByteCount(text));
        int tokens = 0;
        measured.Repeat(() => tokens = batches
            ? tokenizer.EncodeBatch(paragraphs).Sum(ids => ids.Length)
            : paragraphs.Sum(text => tokenizer.Encode(text).Length));
        return tokens;
    }

    private static string Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        bool isPacked = path.EndsWith(".gz", StringComparison.Ordinal);
        using var reader = new StreamReader(isPacked ? new GZipStream(file, CompressionMode.Decompress) : file);
        return reader.ReadToEnd();
    }
}
