using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Algorithms.Conversations;
using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Trl.Tests.Tokenization;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>
/// Saved models with arbitrary damage: bytes, entries that are missing, twice, elsewhere or of another length, and contents that were
/// changed along with their checksums. See <see cref="Fuzz"/>.
/// </summary>
[TestClass]
public sealed class ZipFuzzTests
{
    private const string Escaped = "trl-escaped-from-zip";
    private const int Managed = 8 << 20; // a model with its tokenizer, and ML.NET's reading of the file
    private const uint CentralEntry = 0x02014b50; // APPNOTE.TXT of the zip format, 4.3.12

    private static readonly string[] OtherNames =
    [
        "../" + Escaped, "../../../../../../../../tmp/" + Escaped, "/tmp/" + Escaped, "..\\..\\" + Escaped,
        "TransformerChain/../../" + Escaped,
        "\0", " ", ".", "Model.key", "TransformerChain\\Transform_000\\config.json",
    ];

    private readonly MLContext _ml = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [Timeout(10_800_000)]
    public void Zips()
    {
        byte[][] seeds = Whole();
        (string Name, byte[] Content)[][] entries = [.. seeds.Select(Entries)];
        var fuzz = new Fuzz(error => error is InvalidDataException or NotSupportedException or IOException, Managed);
        for (int i = 0; i < Fuzz.Count; i++)
        {
            int seed = i % seeds.Length;
            byte[] damaged = i % 4 == 0
                ? Mutations.Of(seeds[seed], i, start: seeds[seed].Length)
                : Zip(Changed(entries[seed], new Random(i), i), i);
            string path = Path.Combine(_folder, $"{i}.zip");
            File.WriteAllBytes(path, damaged);
            fuzz.Read(i, damaged.Length, () => (_ml.Trl().Load(path, out _) as IDisposable)?.Dispose());
            File.Delete(path);
        }
        Close.Above(Fuzz.Count / 50.0, fuzz.Readable, "variants that can be read");
        foreach (string place in new[] { Path.GetTempPath(), _folder, Path.GetDirectoryName(_folder)!, Environment.CurrentDirectory })
            Assert.IsFalse(File.Exists(Path.Combine(place, Escaped)), place);
    }

    private byte[][] Whole()
    {
        TextTokenizer tokenizer = TextTokenizer.FromFiles(new Dictionary<string, string>
        {
            ["tokenizer.json"] = TokenizerKindTests.SentencePiece, ["chat_template.jinja"] = Talk.Template,
        });
        ModelConfig config = ModelConfig.Gpt2(tokenizer.VocabularySize, 4, 1, 1, 8, dropout: 0);
        using var policy = new LanguageModel(CausalLanguageModel.Create(config, 1), tokenizer, Tiny.Greedy);
        using var scorer = new TextRewardModel(RewardModel.Create(config, 1), tokenizer);
        IDataView rows = _ml.Data.LoadFromEnumerable(Talk.Rows);
        using var judge = _ml.Trl().RewardScoring(ModelSource.FromModel(scorer)).Fit(rows);
        using var writer = _ml.Trl().TextGeneration(ModelSource.FromModel(policy), conversations: new()).Fit(rows);
        using var chain = new TransformerChain<ITransformer>(judge);
        return [.. new ITransformer[] { writer, judge, chain }.Select(Saved)];

        byte[] Saved(ITransformer transformer)
        {
            using var file = new MemoryStream();
            _ml.Model.Save(transformer, rows.Schema, file);
            return file.ToArray();
        }
    }

    private static (string Name, byte[] Content)[] Entries(byte[] zip)
    {
        using var archive = new ZipArchive(new MemoryStream(zip));
        return [.. archive.Entries.Select(entry =>
        {
            using Stream stream = entry.Open();
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            return (entry.FullName, memory.ToArray());
        })];
    }

    private static List<(string Name, byte[] Content)> Changed((string Name, byte[] Content)[] entries, Random random, int number)
    {
        List<(string Name, byte[] Content)> changed = [.. entries];
        int at = random.Next(changed.Count);
        (string name, byte[] content) = changed[at];
        switch (random.Next(8))
        {
            case 0:
                changed.RemoveAt(at);
                break;
            case 1:
                changed.Insert(random.Next(changed.Count + 1), (name, Mutations.Of(content, number, start: 64)));
                break;
            case 2:
                changed[at] = (OtherNames[random.Next(OtherNames.Length)], content);
                break;
            case 3:
                changed.Add((OtherNames[random.Next(OtherNames.Length)], content));
                break;
            case 4:
                Replace(changed, at, Mutations.Of(content, number, start: 64));
                break;
            default: // what this library reads, whole but senseless
                int[] texts = [.. Enumerable.Range(0, changed.Count).Where(
                    i => changed[i].Name.EndsWith(".json", StringComparison.Ordinal))];
                at = texts[random.Next(texts.Length)];
                Replace(changed, at, JsonMutations.Of(Encoding.UTF8.GetString(changed[at].Content), number));
                break;
        }
        return changed;
    }

    private static void Replace(List<(string Name, byte[] Content)> entries, int at, byte[] content)
    {
        entries[at] = (entries[at].Name, content);
        int sum = entries.FindIndex(entry => entry.Name == entries[at].Name + ".sha256");
        if (sum >= 0)
            entries[sum] = (entries[sum].Name, Encoding.UTF8.GetBytes(Convert.ToHexStringLower(SHA256.HashData(content))));
    }

    private static byte[] Zip(IEnumerable<(string Name, byte[] Content)> entries, int number)
    {
        using var memory = new MemoryStream();
        using (var archive = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
            foreach ((string name, byte[] content) in entries)
            {
                using Stream stream = archive.CreateEntry(name, (CompressionLevel)(number % 3)).Open();
                stream.Write(content);
            }
        byte[] zip = memory.ToArray();
        if (number % 16 == 1)
            Declare(zip, new Random(number));
        return zip;
    }

    /// <summary>Other sizes in the table of contents.</summary>
    private static void Declare(byte[] zip, Random random)
    {
        List<int> places = [];
        for (int at = 0; at < zip.Length - 46; at++)
            if (BinaryPrimitives.ReadUInt32LittleEndian(zip.AsSpan(at)) == CentralEntry)
                places.Add(at);
        uint[] sizes = [0, 1, 1 << 20, 0x7fffffff, 0xfffffffe, uint.MaxValue];
        int field = random.Next(2) == 0 ? 20 : 24; // compressed, uncompressed
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(places[random.Next(places.Count)] + field), sizes[random.Next(sizes.Length)]);
    }
}
