using System.IO.Compression;
using System.Runtime.InteropServices;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Checkpoints;

/// <summary>Files of torch.save. Expected values are worked out by hand from the layout; the file of a model is PyTorch's own.</summary>
[TestClass]
public sealed class TorchFileTests
{
    private static readonly float[] Six = [10, 11, 12, 13, 14, 15];

    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    private string File => Path.Combine(_folder, "pytorch_model.bin");

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void The_tensors_of_a_file_of_PyTorch_are_those_of_the_same_model_in_safetensors()
    {
        using var scope = NewDisposeScope();
        using TorchFile file = TorchFile.Open(Fixtures.Path("models", "gpt2_bin", "pytorch_model.bin"));
        CollectionAssert.Contains(file.Names.ToArray(), "lm_head.weight"); // shares the storage of the embedding
        Assert.IsTrue(Take(file, "lm_head.weight").equal(Take(file, "transformer.wte.weight")).all().item<bool>());
        CollectionAssert.AreEqual(new long[] { 256, 32 }, file.Find("transformer.wte.weight")!.Shape.ToArray());
        Assert.IsNull(file.Find("lm_head.bias"));
    }

    [TestMethod]
    [DataRow("DoubleStorage", ScalarType.Float64)]
    [DataRow("FloatStorage", ScalarType.Float32)]
    [DataRow("HalfStorage", ScalarType.Float16)]
    [DataRow("BFloat16Storage", ScalarType.BFloat16)]
    [DataRow("LongStorage", ScalarType.Int64)]
    [DataRow("IntStorage", ScalarType.Int32)]
    [DataRow("ShortStorage", ScalarType.Int16)]
    [DataRow("CharStorage", ScalarType.Int8)]
    [DataRow("ByteStorage", ScalarType.Byte)]
    [DataRow("BoolStorage", ScalarType.Bool)]
    public void Every_type_of_storage_is_read(string storage, ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor expected = tensor(new float[] { 1, 0, 1, 1 }).to_type(type);
        Write(PickleBytes.OneTensor(storage, 4, 0, [2, 2], [2, 1]), expected.bytes.ToArray());
        using TorchFile file = TorchFile.Open(File);
        Tensor read = Take(file, "x");
        Assert.AreEqual(type, read.dtype);
        Assert.IsTrue(read.equal(expected.view(2, 2)).all().item<bool>());
    }

    [TestMethod]
    [DataRow(0, new long[] { 2, 3 }, new long[] { 3, 1 }, new float[] { 10, 11, 12, 13, 14, 15 })]
    [DataRow(0, new long[] { 3, 2 }, new long[] { 1, 3 }, new float[] { 10, 13, 11, 14, 12, 15 })] // a transposed matrix
    [DataRow(2, new long[] { 3 }, new long[] { 1 }, new float[] { 12, 13, 14 })]
    [DataRow(1, new long[] { 3 }, new long[] { 2 }, new float[] { 11, 13, 15 })] // every second
    [DataRow(3, new long[] { 2, 2 }, new long[] { 0, 1 }, new float[] { 13, 14, 13, 14 })] // a row that stands twice
    [DataRow(5, new long[] { }, new long[] { }, new float[] { 15 })]
    [DataRow(5, new long[] { 1, 1 }, new long[] { 77, 99 }, new float[] { 15 })] // strides of single rows mean nothing
    [DataRow(0, new long[] { 0, 4 }, new long[] { 9, 9 }, new float[] { })]
    public void Views_are_read_by_offset_and_strides(long offset, long[] sizes, long[] strides, float[] expected)
    {
        Write(PickleBytes.OneTensor("FloatStorage", 6, offset, sizes, strides), Bytes(Six));
        Leaks.None(() =>
        {
            using TorchFile file = TorchFile.Open(File);
            using Tensor read = Take(file, "x");
            CollectionAssert.AreEqual(sizes, read.shape);
            CollectionAssert.AreEqual(expected, expected.Length == 0 ? [] : read.data<float>().ToArray());
        });
    }

    /// <summary>As <c>torch.save(module.state_dict())</c> has it: an ordered dictionary with an attribute, and a memo.</summary>
    [TestMethod]
    public void A_state_dict_with_metadata_and_parameters_is_read()
    {
        PickleBytes pickle = new PickleBytes().Global("collections", "OrderedDict").Op('q', 0).Op(')').Op('R').Op('q', 1).Op('(');
        pickle.Text("x").Global("torch._utils", "_rebuild_parameter").Op('(');
        pickle.Tensor("FloatStorage", "0", 6, 0, [6], [1]).Op('r', 2, 0, 0, 0).Op('\x88').Op('h', 0).Op(')').Op('R').Op('t').Op('R');
        pickle.Text("y").Op('j', 2, 0, 0, 0).Op('u');
        pickle.Op('}').Text("_metadata").Op('h', 0).Op(')').Op('R').Text("").Op('}').Text("version").Op('K', 1).Op('s').Op('s').Op('s');
        Write(pickle.Op('b').Done(), Bytes(Six));
        using TorchFile file = TorchFile.Open(File);
        CollectionAssert.AreEqual(new[] { "x", "y" }, file.Names.ToArray());
        foreach (string name in file.Names)
        {
            using Tensor read = Take(file, name);
            CollectionAssert.AreEqual(Six, read.data<float>().ToArray());
        }
    }

    [TestMethod]
    public void Shards_with_an_index_are_read_and_safetensors_come_first()
    {
        using ModelFixture fixture = new("gpt2_bin");
        foreach (string name in new[] { "config.json", "pytorch_model.bin" })
            System.IO.File.Copy(Path.Combine(fixture.Folder, name), Path.Combine(_folder, name));
        const string Shard = "pytorch_model-00001-of-00001.bin";
        System.IO.File.Move(File, Path.Combine(_folder, Shard));
        using (TorchFile shard = TorchFile.Open(Path.Combine(_folder, Shard)))
            System.IO.File.WriteAllText(
                File + ".index.json", $"{{\"weight_map\":{{{string.Join(',', shard.Names.Select(name => $"\"{name}\":\"{Shard}\""))}}}}}");
        Tensor ids = fixture["a.input_ids"];
        using (CausalLanguageModel model = HuggingFaceFolder.LoadModel(_folder))
        {
            Close.Absolute(fixture["a.logits"], ModelFixture.Logits(model, ids), 1e-4, "logits of shards");
            foreach ((_, Tensor weight) in model.Weights())
                using (no_grad())
                    weight.zero_();
            HuggingFaceFolder.Save(_folder, model);
        }
        using CausalLanguageModel zero = HuggingFaceFolder.LoadModel(_folder);
        Close.Absolute(zeros_like(fixture["a.logits"]), ModelFixture.Logits(zero, ids), 0, "logits of safetensors");
    }

    [TestMethod]
    public void The_format_before_PyTorch_1_6_is_refused_with_what_to_do()
    {
        System.IO.File.Copy(Fixtures.Path("models", "gpt2", "config.json"), Path.Combine(_folder, "config.json"));
        System.IO.File.WriteAllBytes(File, Convert.FromHexString("80028a0a6cfc9c46f920506a80190e")); // its magic number, pickled
        string message = Assert.ThrowsExactly<NotSupportedException>(() => HuggingFaceFolder.LoadModel(_folder)).Message;
        StringAssert.Contains(message, "before PyTorch 1.6");
        StringAssert.Contains(message, "torch.save(torch.load(");
    }

    [TestMethod]
    public void Another_pickle_in_the_folder_is_named()
    {
        System.IO.File.Copy(Fixtures.Path("models", "gpt2", "config.json"), Path.Combine(_folder, "config.json"));
        System.IO.File.WriteAllText(Path.Combine(_folder, "weights.pt"), "");
        string message = Assert.ThrowsExactly<FileNotFoundException>(() => HuggingFaceFolder.LoadModel(_folder)).Message;
        StringAssert.Contains(message, "none of model.safetensors, model.safetensors.index.json, pytorch_model.bin,");
        StringAssert.Contains(message, "'weights.pt'");
    }

    [TestMethod]
    [DataRow("byteorder", "big", "byte order 'big'")]
    [DataRow("version", "11\n", "version '11'")]
    [DataRow("version", "x", "version 'x'")]
    public void Other_settings_are_refused(string entry, string content, string message)
    {
        byte[] pickle = PickleBytes.OneTensor("FloatStorage", 6, 0, [6], [1]);
        System.IO.File.WriteAllBytes(File, PickleBytes.Zip(
            [("data.pkl", pickle), ("data/0", Bytes(Six)), (entry, System.Text.Encoding.ASCII.GetBytes(content))]));
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => TorchFile.Open(File)).Message, message);
    }

    [TestMethod]
    public void Compressed_entries_are_refused()
    {
        using (FileStream file = System.IO.File.Create(File))
        using (ZipArchive zip = new(file, ZipArchiveMode.Create))
            using (Stream entry = zip.CreateEntry("archive/data.pkl", CompressionLevel.Optimal).Open())
                entry.Write(new byte[1000]);
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => TorchFile.Open(File)).Message, "compressed");
    }

    [TestMethod]
    [DataRow(6L, 1L, new long[] { 6 }, new long[] { 1 }, 24, "does not fit into its storage '0' of 6 elements")]
    [DataRow(6L, 0L, new long[] { 1L << 60 }, new long[] { 0 }, 24, "does not fit")] // expanded: larger than its storage
    [DataRow(6L, 0L, new long[] { 1L << 40, 1L << 40 }, new long[] { 1, 1 }, 24, "does not fit")]
    [DataRow(6L, 0L, new long[] { 2 }, new long[] { 6 }, 24, "does not fit")]
    [DataRow(6L, 0L, new long[] { 6 }, new long[] { 1, 1 }, 24, "cannot be")]
    [DataRow(6L, -1L, new long[] { 6 }, new long[] { 1 }, 24, "cannot be")]
    [DataRow(6L, 0L, new long[] { -6 }, new long[] { 1 }, 24, "whole numbers from 0")]
    [DataRow(6L, 0L, new long[] { 6 }, new long[] { -1 }, 24, "whole numbers from 0")]
    [DataRow(1L << 60, 0L, new long[] { 1L << 60 }, new long[] { 1 }, 24, "has 24 bytes instead of 1152921504606846976 elements of 4")]
    [DataRow(6L, 0L, new long[] { 6 }, new long[] { 1 }, 20, "has 20 bytes instead of 6 elements of 4")]
    [DataRow(-1L, 0L, new long[] { 6 }, new long[] { 1 }, 24, "no storage of torch.save")]
    public void Sizes_are_checked_before_memory_is_taken(long count, long offset, long[] sizes, long[] strides, int bytes, string message)
    {
        Write(PickleBytes.OneTensor("FloatStorage", count, offset, sizes, strides), new byte[bytes]);
        string given = Assert.ThrowsExactly<InvalidDataException>(() => TorchFile.Open(File)).Message;
        StringAssert.Contains(given, message);
        StringAssert.Contains(given, File);
    }

    [TestMethod]
    public void Damaged_zips_are_refused()
    {
        byte[] pickle = PickleBytes.OneTensor("FloatStorage", 6, 0, [6], [1]);
        Write(pickle, Bytes(Six));
        byte[] whole = System.IO.File.ReadAllBytes(File);
        Refused(whole[..^1], "no table of contents");
        Refused([], "it is no zip file");
        Refused([0x50, 0x4b, 3, 4], "no table of contents");
        Refused(PickleBytes.Zip([("data.pkl", pickle), ("data.pkl", pickle), ("data/0", Bytes(Six))]), "'archive/data.pkl' twice");
        Refused(PickleBytes.Zip([("data.pkl", pickle), ("more/data.pkl", pickle), ("data/0", Bytes(Six))]),
            "2 entries data.pkl instead of one");
        Refused(PickleBytes.Zip([("data.pkl", pickle), ("data/1", Bytes(Six))]), "lies in entry 'archive/data/0', which is not there");
        int directory = whole.AsSpan().IndexOf("PK\x01\x02"u8);
        whole[directory + 42] = 1; // where its first entry begins
        Refused(whole, "there is no entry 'archive/data.pkl' at byte 1");

        void Refused(byte[] bytes, string message)
        {
            System.IO.File.WriteAllBytes(File, bytes);
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => TorchFile.Open(File)).Message, message);
        }
    }

    private void Write(byte[] pickle, params byte[][] storages) =>
        System.IO.File.WriteAllBytes(File, PickleBytes.File(pickle, storages));

    /// <summary>A tensor in the type that the file has.</summary>
    private static Tensor Take(TorchFile file, string name) => file.Take(name, file.Find(name)!.Type!.Value);

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
