using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Checkpoints;

/// <summary>GGUF files against bytes put together by hand, and damaged ones.</summary>
[TestClass]
public sealed class GgufFileTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    private string File => Path.Combine(_folder, "x.gguf");

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [DataRow(2u)]
    [DataRow(3u)]
    public void Metadata_and_tensors_are_those_of_the_bytes(uint version)
    {
        byte[] half = [0x00, 0x3c, 0x00, 0xc0]; // 1, -2
        GgufBytes bytes = new GgufBytes { Version = version }
            .Value("a", 0, [200]).Value("b", 1, [200]).Value("c", 2, [1, 2]).Value("d", 3, [255, 255]).Value("e", 4_000_000_000u)
            .Value("f", 5, [254, 255, 255, 255]).Value("g", 0.5f).Value("h", 7, [1]).Value("i", "text")
            .Value("j", 9, [.. GgufBytes.U32(8), .. GgufBytes.U64(2), .. GgufBytes.Text("one"), .. GgufBytes.Text("")])
            .Value("k", 9, [.. GgufBytes.U32(5), .. GgufBytes.U64(2), 1, 0, 0, 0, 255, 255, 255, 255])
            .Value("l", 10, GgufBytes.U64(1UL << 40)).Value("m", 11, GgufBytes.U64(5)).Value("n", 12, BitConverter.GetBytes(0.1))
            .Value("o", 9, [.. GgufBytes.U32(9), .. GgufBytes.U64(1), .. GgufBytes.U32(7), .. GgufBytes.U64(1), 0])
            .Tensor("matrix", 0, [3, 2], GgufBytes.Bytes(1, 2, 3, 4, 5, 6)).Tensor("half", 1, [2], half)
            .Tensor("brain", 30, [1], [0x80, 0x3f]).Tensor("blocks", 8, [32, 1], [0x00, 0x38, 6, .. new byte[31]]);
        System.IO.File.WriteAllBytes(File, bytes.Done());
        using GgufFile file = GgufFile.Open(File);
        GgufMetadata data = file.Metadata;
        Assert.AreEqual(200, data.Integer("a"));
        Assert.AreEqual(-56.0, data.Number("b"));
        Assert.AreEqual(513, data.Integer("c"));
        Assert.AreEqual(-1.0, data.Number("d"));
        Assert.AreEqual(4e9, data.Number("e"));
        Assert.AreEqual(-2.0, data.Number("f"));
        Assert.AreEqual(0.5, data.Number("g"));
        Assert.AreEqual(true, data.Flag("h"));
        Assert.AreEqual("text", data.Text("i"));
        CollectionAssert.AreEqual(new[] { "one", "" }, data.Texts("j"));
        CollectionAssert.AreEqual(new[] { 1L, -1L }, data.Numbers("k"));
        Assert.AreEqual(1099511627776.0, data.Number("l"));
        Assert.AreEqual(5, data.Integer("m"));
        Assert.AreEqual(0.1, data.Number("n"));
        Assert.IsNull(data.Integer("missing"));
        CollectionAssert.AreEqual(new long[] { 2, 3 }, file.Find("matrix")!.Shape.ToArray());
        foreach ((string name, float[] expected) in new (string, float[])[]
        {
            ("matrix", [1, 2, 3, 4, 5, 6]), ("half", [1, -2]), ("brain", [1]), ("blocks", [3, .. new float[31]]),
        })
            foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
                Leaks.None(() =>
                {
                    using Tensor read = file.Take(name, type), floats = read.to_type(ScalarType.Float32);
                    Assert.AreEqual(type, read.dtype);
                    Close.Absolute(expected, floats.data<float>().ToArray(), 0, name);
                });
    }

    [TestMethod]
    public void Many_blocks_are_decoded_piece_by_piece()
    {
        const int Blocks = (1 << 14) + 3; // more than a piece that changes its type
        byte[] data = [.. Enumerable.Range(0, Blocks).SelectMany(i => (byte[])[0x00, 0x3c, (byte)(i % 100), .. new byte[31]])];
        System.IO.File.WriteAllBytes(File, new GgufBytes().Tensor("x", 8, [32, Blocks], data).Done());
        using GgufFile file = GgufFile.Open(File);
        using var scope = NewDisposeScope();
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            Close.Absolute(arange(Blocks).remainder(100), file.Take("x", type).select(1, 0), 0);
    }

    [TestMethod]
    public void The_writer_gives_the_bytes_of_the_specification()
    {
        using var scope = NewDisposeScope();
        Tensor matrix = tensor(new float[] { 1, -2, 0.5f, 4 }).view(2, 2), row = zeros(1, 32);
        row[0, 5] = 254;
        GgufWriter.Write(
            File,
            [
                new("general.architecture", "llama"), new("n", 7u), new("f", 0.5f), new("b", true), new("t", new[] { "x", "yz" }),
                new("i", new[] { -1, 2 }),
            ],
            [
                new("a", matrix, GgmlType.F32), new("b", matrix, GgmlType.F16, value => value * 2), new("c", row, GgmlType.Q8_0),
            ]);
        byte[] expected = new GgufBytes().Value("general.architecture", "llama").Value("n", 7).Value("f", 0.5f).Value("b", 7, [1])
            .Value("t", 9, [.. GgufBytes.U32(8), .. GgufBytes.U64(2), .. GgufBytes.Text("x"), .. GgufBytes.Text("yz")])
            .Value("i", 9, [.. GgufBytes.U32(5), .. GgufBytes.U64(2), 255, 255, 255, 255, 2, 0, 0, 0])
            .Tensor("a", 0, [2, 2], GgufBytes.Bytes(1, -2, 0.5f, 4))
            .Tensor("b", 1, [2, 2], [0x00, 0x40, 0x00, 0xc4, 0x00, 0x3c, 0x00, 0x48])
            .Tensor("c", 8, [32, 1], [0x00, 0x40, 0, 0, 0, 0, 0, 127, .. new byte[26]]).Done();
        CollectionAssert.AreEqual(expected, System.IO.File.ReadAllBytes(File));
        Assert.HasCount(1, Directory.GetFiles(_folder));
    }

    public static IEnumerable<object[]> Damaged =>
    [
        ["nothing", Array.Empty<byte>(), "does not begin with GGUF"],
        ["another format", new byte[100], "does not begin with GGUF"],
        ["a count of tensors", new GgufBytes { TensorCount = 1UL << 60 }.Done(), "claims 1152921504606846976 tensors"],
        ["a count of values", new GgufBytes { ValueCount = 1UL << 60 }.Done(), "claims 1152921504606846976 values of metadata"],
        ["a text longer than the file", new GgufBytes().Value("x", 8, GgufBytes.U64(1UL << 40)).Done(), "bytes of a text, but only"],
        ["a text of -1 bytes", new GgufBytes().Value("x", 8, GgufBytes.U64(ulong.MaxValue)).Done(), "bytes of a text, but only"],
        ["a long array", new GgufBytes().Value("x", 9, [.. GgufBytes.U32(0), .. GgufBytes.U64(1UL << 50)]).Done(), "values of an array"],
        ["an unknown type", new GgufBytes().Value("x", 13, []).Done(), "unknown type 13"],
        ["an array of an unknown type", new GgufBytes().Value("x", 9, GgufBytes.U32(99)).Done(), "unknown type 99"],
        ["a truth value", new GgufBytes().Value("x", 7, [2]).Done(), "is 2, not 0 or 1"],
        ["a large number", new GgufBytes().Value("x", 10, GgufBytes.U64(ulong.MaxValue)).Done(), "more than any file"],
        ["a key twice", new GgufBytes().Value("x", 1).Value("x", 2).Done(), "has 'x' twice"],
        ["deep arrays", Nested(), "deeper than 4 levels"],
        ["a tensor twice", new GgufBytes().Tensor("x", 0, [1], new byte[4]).Tensor("x", 0, [1], new byte[4]).Done(), "tensor 'x' twice"],
        ["dimensions", new GgufBytes().Tensor("x", 0, [1, 1, 1, 1, 1], new byte[4]).Done(), "5 dimensions"],
        ["sizes", new GgufBytes().Tensor("x", 0, [1UL << 40, 1UL << 40], new byte[4]).Done(), "larger than any file"],
        ["a size", new GgufBytes().Tensor("x", 0, [ulong.MaxValue], new byte[4]).Done(), "more than any file"],
        ["a size beyond the file", new GgufBytes().Tensor("x", 0, [1UL << 40], new byte[4]).Done(), "it was cut off"],
        ["a place outside", new GgufBytes().Tensor("x", 0, [1], new byte[4], 1UL << 40).Done(), "it was cut off"],
        ["a place between", new GgufBytes().Tensor("x", 0, [1], new byte[4], 4).Done(), "no multiple of 32"],
        ["overlaps", new GgufBytes().Tensor("x", 0, [1], new byte[4]).Tensor("y", 0, [1], new byte[4], 0).Done(), "overlaps"],
        ["half blocks", new GgufBytes().Tensor("x", 8, [16, 2], new byte[34]).Done(), "no multiple of its blocks of 32"],
        ["an alignment", new GgufBytes().Value("general.alignment", 12).Done(), "general.alignment is 12"],
        ["a cut", new GgufBytes().Value("x", "long enough to be cut").Done()[..50], "but only"],
        ["a cut number", new GgufBytes().Value("a longer key", 1).Done()[..50], "in the middle of its header"],
    ];

    [TestMethod]
    [DynamicData(nameof(Damaged))]
    public void Damaged_files_are_refused_before_memory_is_taken(string what, byte[] bytes, string message)
    {
        System.IO.File.WriteAllBytes(File, bytes);
        Assert.ThrowsExactly<InvalidDataException>(() => GgufFile.Open(File), what);
        long before = GC.GetAllocatedBytesForCurrentThread();
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => GgufFile.Open(File), what);
        Close.Below(100_000, GC.GetAllocatedBytesForCurrentThread() - before, what);
        StringAssert.Contains(error.Message, message);
        StringAssert.Contains(error.Message, File);
    }

    [TestMethod]
    [DataRow(1u, "version 1 of the GGUF format; versions 2 and 3")]
    [DataRow(0x03000000u, "another byte order")]
    public void Other_versions_are_refused(uint version, string message)
    {
        System.IO.File.WriteAllBytes(File, new GgufBytes { Version = version }.Done());
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => GgufFile.Open(File)).Message, message);
    }

    [TestMethod]
    [DataRow(13u, "stored as Q5_K; read are F32, F16, BF16, Q4_0, Q8_0, Q4_K, Q6_K")]
    [DataRow(99u, "stored as type 99")]
    public void Other_types_are_refused_by_name(uint type, string message)
    {
        System.IO.File.WriteAllBytes(File, new GgufBytes().Tensor("x", type, [256], new byte[256]).Done());
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => GgufFile.Open(File)).Message, message);
    }

    [TestMethod]
    public void A_value_of_another_kind_is_named()
    {
        System.IO.File.WriteAllBytes(
            File, new GgufBytes().Value("x", "text").Value("y", float.NaN).Value("z", 5, [255, 255, 255, 255]).Done());
        using GgufFile file = GgufFile.Open(File);
        foreach ((Action read, string message) in new (Action, string)[]
        {
            (() => file.Metadata.Integer("x"), "x is text; a whole number is needed"),
            (() => file.Metadata.Number("y"), "y is NaN; a finite number is needed"),
            (() => file.Metadata.Integer("z"), "z is -1; a number from 0 to 2147483647 is needed"),
            (() => file.Metadata.RequiredInteger("none"), "has no none in its metadata"),
        })
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(read).Message, message);
    }

    private static byte[] Nested()
    {
        byte[] value = [];
        for (int i = 0; i < 5; i++)
            value = [.. value, .. GgufBytes.U32(9), .. GgufBytes.U64(1)];
        return new GgufBytes().Value("x", 9, [.. value, .. new byte[40]]).Done();
    }
}
