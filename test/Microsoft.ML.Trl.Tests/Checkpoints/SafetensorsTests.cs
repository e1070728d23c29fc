using System.Buffers.Binary;
using System.Text;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Checkpoints;

[TestClass]
public sealed class SafetensorsTests
{
    [TestMethod]
    [DataRow(64)]
    [DataRow(1)]
    [DataRow(1000)]
    public void Rows_are_those_of_the_whole_tensor(int atOnce)
    {
        using var scope = NewDisposeScope();
        string path = Path.GetTempFileName();
        Tensor matrix = arange(300 * 7).view(300, 7).to(bfloat16);
        SafetensorsWriter.Write(path, [("before", ones(3)), ("matrix", matrix)]);
        using (IWeightStore file = SafetensorsFile.Open(path))
        {
            List<Tensor> parts = [];
            foreach ((long from, Tensor rows) in file.TakeRows("matrix", atOnce))
            {
                Assert.AreEqual(parts.Sum(part => part.size(0)), from);
                parts.Add(rows.clone());
            }
            Assert.AreEqual(bfloat16, parts[0].dtype);
            Close.Absolute(matrix.to(float32), cat([.. parts]).to(float32), 0, "rows");
        }
        File.Delete(path);
    }

    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [DataRow(ScalarType.Float64)]
    [DataRow(ScalarType.Float32)]
    [DataRow(ScalarType.Float16)]
    [DataRow(ScalarType.BFloat16)]
    [DataRow(ScalarType.Int64)]
    [DataRow(ScalarType.Int32)]
    [DataRow(ScalarType.Int16)]
    [DataRow(ScalarType.Int8)]
    [DataRow(ScalarType.Byte)]
    [DataRow(ScalarType.Bool)]
    public void Every_type_comes_back_as_it_was_written(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor matrix = arange(6, ScalarType.Float32).view(2, 3).to_type(type);
        Tensor single = tensor(1f).to_type(type);
        Tensor nothing = zeros(new long[] { 0, 4 }, type);
        string path = Path.Combine(_folder, "x.safetensors");
        SafetensorsWriter.Write(path, [("matrix", matrix), ("single", single), ("nothing", nothing)]);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.AreEqual("pt", file.Metadata["format"]);
        foreach ((string name, Tensor expected) in new[] { ("matrix", matrix), ("single", single), ("nothing", nothing) })
        {
            Tensor read = file.Read(name);
            Assert.AreEqual(type, read.dtype);
            CollectionAssert.AreEqual(expected.shape, read.shape);
            Assert.IsTrue(read.equal(expected).all().item<bool>());
        }
    }

    [TestMethod]
    public void A_name_that_is_not_there_is_refused()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "x.safetensors");
        SafetensorsWriter.Write(path, [("x", arange(4, ScalarType.Float32))]);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        StringAssert.Contains(Assert.ThrowsExactly<KeyNotFoundException>(() => file.Read("y")).Message, "no tensor 'y'");
    }

    [TestMethod]
    public void A_name_given_twice_is_refused_and_leaves_no_file()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "x.safetensors");
        Assert.ThrowsExactly<ArgumentException>(() => SafetensorsWriter.Write(path, [("x", ones(1)), ("x", ones(1))]));
        Assert.IsEmpty(Directory.GetFiles(_folder));
    }

    [TestMethod]
    [DataRow("{", 0, "not JSON")]
    [DataRow("{'\\ud800':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}", 4, "not JSON")] // half a character
    [DataRow("[1]", 0, "does not begin with '{'")]
    [DataRow("{'x':1}", 0, "described by Number")]
    [DataRow("{'x':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'x':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}", 8, "'x' twice")]
    [DataRow("{'x':{'dtype':'F33','shape':[1],'data_offsets':[0,4]}}", 4, "unknown type 'F33'")]
    [DataRow("{'x':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}}", 4, "holds -1")]
    [DataRow("{'x':{'dtype':'F32','shape':[1.5],'data_offsets':[0,4]}}", 4, "holds 1.5")]
    [DataRow("{'x':{'dtype':'F32','shape':'1','data_offsets':[0,4]}}", 4, "String instead of an array")]
    [DataRow("{'x':{'dtype':'F32','shape':[1],'data_offsets':[0]}}", 4, "two data_offsets")]
    [DataRow("{'x':{'dtype':'F32','shape':[1],'data_offsets':[0,4],'more':1}}", 4, "field 'more'")]
    [DataRow("{'x':{'dtype':'F32','shape':[1],'shape':[1],'data_offsets':[0,4]}}", 4, "field 'shape'")]
    [DataRow("{'x':{'shape':[1],'data_offsets':[0,4]}}", 4, "needs dtype")]
    [DataRow("{'x':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}}", 4, "takes 8 bytes")]
    [DataRow("{'x':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}}", 4, "data_offsets are 4 to 0")]
    [DataRow("{'x':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,4]}}", 4, "larger than any file")]
    [DataRow("{'x':{'dtype':'F32','shape':[1],'data_offsets':[9223372036854775803,9223372036854775807]}}", 4, "larger than any file")]
    [DataRow("{'x':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}", 8, "hole")]
    [DataRow("{'x':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'y':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}", 8, "overlap")]
    [DataRow("{'x':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 4, "cut off")]
    [DataRow("{'x':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}", 8, "appended")]
    [DataRow("{'__metadata__':{'a':1}}", 0, "'a' is not a text")]
    [DataRow("{'__metadata__':[]}", 0, "must be an object")]
    public void A_damaged_header_is_refused_with_what_is_wrong(string header, int dataLength, string message)
    {
        string path = Write(Encoding.UTF8.GetBytes(header.Replace('\'', '"')), dataLength);
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => SafetensorsFile.Open(path).Dispose());
        StringAssert.Contains(error.Message, message);
        StringAssert.Contains(error.Message, path);
    }

    [TestMethod]
    [DataRow(ulong.MaxValue)]
    [DataRow(100_000_001UL)]
    [DataRow(1000UL)]
    public void A_header_length_beyond_the_file_is_refused_before_memory_is_taken(ulong length)
    {
        string path = Path.Combine(_folder, "x.safetensors");
        byte[] bytes = new byte[20];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(path, bytes);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => SafetensorsFile.Open(path).Dispose()).Message, $"claims {length} bytes");
        File.WriteAllBytes(path, bytes[..7]);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => SafetensorsFile.Open(path).Dispose()).Message, "only 7 bytes");
    }

    [TestMethod]
    public void A_truth_value_that_is_neither_0_nor_1_is_refused()
    {
        string path = Write("{\"x\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}"u8.ToArray(), 3, fill: 2);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => file.Read("x").Dispose()).Message, "neither 0 nor 1");
    }

    [TestMethod]
    public void A_type_without_a_tensor_type_is_listed_and_refused_when_read()
    {
        string path = Write("{\"x\":{\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[0,3]}}"u8.ToArray(), 3);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.IsNull(file.Entries["x"].Type);
        StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => file.Read("x").Dispose()).Message, "F8_E4M3");
    }

    [TestMethod]
    public void Reading_leaves_no_tensor_behind()
    {
        string path = Path.Combine(_folder, "x.safetensors");
        using (var scope = NewDisposeScope())
            SafetensorsWriter.Write(path, [("x", ones(3))]);
        Leaks.None(() =>
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            using Tensor tensor = file.Read("x");
        });
    }

    private string Write(byte[] header, int dataLength, byte fill = 0)
    {
        string path = Path.Combine(_folder, "x.safetensors");
        byte[] bytes = new byte[8 + header.Length + dataLength];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)header.Length);
        header.CopyTo(bytes, 8);
        bytes.AsSpan(8 + header.Length).Fill(fill);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
