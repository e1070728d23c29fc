using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Checkpoints;

/// <summary>Weights of other people with arbitrary damage; see <see cref="Fuzz"/>.</summary>
[TestClass]
public sealed class FuzzTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [Timeout(3_600_000)]
    public void Safetensors()
    {
        string path = Path.Combine(_folder, "x.safetensors");
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(
            path, [("a", ones(3, 4)), ("b", ones(5, ScalarType.Bool)), ("c", ones(2, 2, ScalarType.BFloat16)), ("d", zeros(0))]);
        byte[] whole = File.ReadAllBytes(path);
        var fuzz = new Fuzz();
        for (int i = 0; i < Fuzz.Count; i++)
        {
            byte[] damaged = Mutations.Of(whole, i, start: whole.Length);
            Replace(ref path, i, damaged);
            fuzz.Read(i, damaged.Length, () =>
            {
                using SafetensorsFile file = SafetensorsFile.Open(path);
                TakeAll(file, damaged.Length);
            });
            fuzz.Read(i, damaged.Length, () =>
            {
                using SafetensorsStream stream = SafetensorsStream.Read(new MemoryStream(damaged), damaged.Length, "here");
                TakeAll(stream, damaged.Length);
            });
        }
        Close.Above(0, fuzz.Readable, "variants that can be read");
    }

    [TestMethod]
    [Timeout(3_600_000)]
    public void Pickles()
    {
        string path = Path.Combine(_folder, "x.bin");
        byte[] pickle = new PickleBytes().Global("collections", "OrderedDict").Op(')').Op('R').Op('(')
            .Text("x").Tensor("FloatStorage", "0", 24, 4, [4, 5], [1, 4]).Op('q', 0)
            .Text("y").Tensor("HalfStorage", "1", 8, 0, [2, 4], [4, 1]).Text("z").Op('h', 0).Op('u').Op('}').Op('b').Done();
        byte[][] storages = [new byte[96], new byte[16]];
        byte[] whole = PickleBytes.File(pickle, storages);
        var fuzz = new Fuzz();
        for (int i = 0; i < Fuzz.Count; i++)
        {
            byte[] damaged = i % 2 == 0
                ? PickleBytes.File(Mutations.Of(pickle, i, start: pickle.Length), storages)
                : Mutations.Of(whole, i, start: whole.Length);
            Replace(ref path, i, damaged);
            fuzz.Read(i, damaged.Length, () =>
            {
                using TorchFile file = TorchFile.Open(path);
                TakeAll(file, damaged.Length);
            });
        }
        Close.Above(0, fuzz.Readable, "variants that can be read");
    }

    [TestMethod]
    [Timeout(3_600_000)]
    public void Gguf()
    {
        string path = Path.Combine(_folder, "x.gguf");
        ModelConfig config = ModelConfig.Llama(8, 32, 1, 4, 8, keyValueHeads: 2, intermediateSize: 32, tieWordEmbeddings: true)
            with { Rope = new() { Type = "llama3", Factor = 8 } };
        using (CausalLanguageModel model = CausalLanguageModel.Create(config, 1))
            GgufModel.Save(path, model, GgufType.Q8_0,
            [
                new("tokenizer.ggml.model", "gpt2"), new("tokenizer.ggml.tokens", new[] { "a", "b", "ab", "<end>", "c", "d", "e", "f" }),
                new("tokenizer.ggml.token_type", new[] { 1, 1, 1, 3, 1, 1, 4, 5 }), new("tokenizer.ggml.merges", new[] { "a b" }),
                new("tokenizer.ggml.eos_token_id", 3u), new("tokenizer.ggml.add_bos_token", false),
            ]);
        byte[] whole = File.ReadAllBytes(path);
        var fuzz = new Fuzz();
        for (int i = 0; i < Fuzz.Count; i++)
        {
            byte[] damaged = Mutations.Of(whole, i, start: 2048);
            Replace(ref path, i, damaged);
            fuzz.Read(i, damaged.Length, () =>
            {
                using GgufFile file = GgufFile.Open(path);
                TakeAll(file, damaged.Length);
                using CausalLanguageModel model = GgufModel.Load(file, null, null);
                TextTokenizer tokenizer = GgufTokenizer.Read(file.Metadata);
                tokenizer.Decode(tokenizer.Encode("abc"));
            });
        }
        Close.Above(0, fuzz.Readable, "variants that can be read");
    }

    /// <summary>Another file instead of the last one: file systems take their time where a file is written over.</summary>
    private static void Replace(ref string path, int number, byte[] content)
    {
        File.Delete(path);
        path = Path.Combine(Path.GetDirectoryName(path)!, $"{number}{Path.GetExtension(path)}");
        File.WriteAllBytes(path, content);
    }

    private static void TakeAll(IWeightStore store, long length)
    {
        foreach (string name in store.Names)
        {
            TensorEntry entry = store.Find(name)!;
            if (entry.Type is not { } type)
                continue;
            using Tensor tensor = store.Take(name, type);
            CollectionAssert.AreEqual(entry.Shape.ToArray(), tensor.shape);
            Assert.IsLessThanOrEqualTo(8 * length, tensor.NumberOfElements * tensor.ElementSize, "bytes of a tensor");
        }
    }
}
