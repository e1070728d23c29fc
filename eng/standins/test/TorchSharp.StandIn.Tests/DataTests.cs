using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class DataTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Arrays_are_copied_in_with_their_shape_and_type()
    {
        long[] source = [1, 2, 3, 4];
        Tensor x = tensor(source, [2, 2]);
        source[0] = 9;
        Check.Values(x, 1, 2, 3, 4);
        Assert.AreEqual(ScalarType.Int64, x.dtype);
        Check.Shape(tensor(new double[2, 3]), 2, 3);
        Assert.AreEqual(ScalarType.Float32, tensor(new double[2, 3], dtype: ScalarType.Float32).dtype);
        Check.Shape(tensor(Array.Empty<float>()), 0);
        Check.Shape(tensor(3.5), []);
        Assert.AreEqual(ScalarType.Int32, tensor(3).dtype);
        Assert.ThrowsExactly<ArgumentException>(() => tensor(source, [5]));
    }

    [TestMethod]
    public void From_array_shares_the_memory_of_the_array()
    {
        float[] source = [1, 2, 3];
        Tensor x = from_array(source);
        source[1] = 20;
        x[2] = tensor(30f);
        Check.Values(x, 1, 20, 30);
        Assert.AreEqual(30f, source[2]);
        Check.Values(frombuffer(source, ScalarType.Float32, count: 2, offset: 1), 20, 30);
    }

    [TestMethod]
    public void Bytes_read_and_write_the_tensor()
    {
        Tensor x = tensor(new[] { 1f, 2f });
        MemoryMarshal.Cast<byte, float>(x.bytes)[1] = 5;
        Check.Values(x, 1, 5);
        using MemoryStream stream = new();
        x.WriteBytesToStream(stream);
        Assert.AreEqual(8, stream.Length);
        stream.Position = 0;
        Tensor y = zeros(2);
        y.ReadBytesFromStream(stream);
        Check.Values(y, 1, 5);
        Assert.ThrowsExactly<InvalidOperationException>(() => _ = ones(2, 2).t().bytes.Length);
    }

    [TestMethod]
    public void Accessors_follow_the_strides()
    {
        Tensor x = arange(6).reshape(2, 3).t();
        CollectionAssert.AreEqual(new long[] { 0, 3, 1, 4, 2, 5 }, x.data<long>().ToArray());
        Assert.AreEqual(4L, x.data<long>()[1, 1]);
        Assert.AreEqual(4L, x.ReadCpuInt64(3));
        Assert.AreEqual(5L, ((long[,])x.data<long>().ToNDArray())[2, 1]);
        x.data<long>().CopyFrom([10, 20]);
        Check.Values(x, 10, 20, 1, 4, 2, 5);
        Assert.ThrowsExactly<ArgumentException>(() => x.data<float>());
        Assert.ThrowsExactly<ArgumentException>(() => x.item<long>());
    }

    [TestMethod]
    public void Half_and_bfloat16_round_to_nearest_even()
    {
        Tensor x = tensor(new[] { 1.00390625f, 1.01171875f, 3.1415927f }); // 1 + 1/256, 1 + 3/256
        Tensor wide = x.to_type(ScalarType.BFloat16);
        Check.Values(wide, 1, 1.015625, 3.140625);
        Assert.AreEqual(2, wide.element_size());
        Assert.AreEqual(3.140625f, wide.ReadCpuBFloat16(2));
        Check.Values(x.half(), 1.00390625, 1.01171875, 3.140625);
        Assert.AreEqual((Half)3.140625, x.half()[2].item<Half>());
        Assert.AreEqual(3.140625f, wide[2].ToSingle());
    }

    [TestMethod]
    public void Numbers_come_out_in_every_type()
    {
        Tensor x = tensor(2.75);
        Assert.AreEqual(2.75, x.item<double>());
        Assert.AreEqual(2.75f, x.ToSingle());
        Assert.AreEqual(2L, x.ToInt64());
        Assert.AreEqual(2, (int)x);
        Assert.IsTrue(x.ToBoolean());
        Assert.ThrowsExactly<ArgumentException>(() => x.item<float>());
    }

    [TestMethod]
    public void Saved_tensors_load_the_same()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Tensor x = randn(3, 4, generator: new Generator(1));
            x.Save(Path.Combine(folder, "own"));
            x.save(Path.Combine(folder, "torch"));
            Assert.IsTrue(x.Equals(Tensor.Load(Path.Combine(folder, "own"))));
            Assert.IsTrue(x.Equals(torch.load(Path.Combine(folder, "torch"))));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [TestMethod]
    public void Factories_take_types_and_defaults()
    {
        Assert.AreEqual(ScalarType.Float32, ones(2, 3).dtype);
        Assert.AreEqual(ScalarType.Int64, full(2, 3).dtype);
        Assert.AreEqual(ScalarType.Float32, full([2L], 3.5).dtype);
        Assert.AreEqual(ScalarType.Int64, arange(3).dtype);
        Check.Values(arange(0.5, 2), 0.5, 1.5);
        Check.Values(eye(2), 1, 0, 0, 1);
        Check.Values(linspace(0, 1, 3), 0, 0.5, 1);
        Assert.AreEqual(ScalarType.Float64, zeros_like(ones(2), ScalarType.Float64).dtype);
        Assert.IsTrue(zeros(2, requires_grad: true).requires_grad);
        Assert.AreEqual(DeviceType.CPU, ones(1).device.type);
        Assert.AreEqual("cpu", CPU.ToString());
        Assert.AreEqual("cuda:1", new Device("cuda:1").ToString());
        Assert.IsTrue(ones(3, device: META).is_meta);
    }
}
