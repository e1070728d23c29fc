using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

/// <summary>Against the product with weights that were widened first.</summary>
[TestClass]
public sealed class WeightOnlyTests
{
    [TestMethod]
    [DataRow(ScalarType.Float32, 1, 1e-5)]
    [DataRow(ScalarType.Float32, 5, 1e-5)]
    [DataRow(ScalarType.BFloat16, 3, 1e-2)]
    public void Int8_is_the_product_with_widened_weights(ScalarType type, int rows, double tolerance)
    {
        using var scope = NewDisposeScope();
        manual_seed(21);
        Tensor x = randn(rows, 64).to(type), weight = randint(-127, 128, [48, 64]).to(int8), scales = (rand(48) / 100).to(type);
        Tensor expected = x.to(float64).matmul((weight.to(float64) * scales.to(float64).unsqueeze(1)).t());
        Numbers.Close(expected, WeightOnly.Int8(x, weight, scales), tolerance);
    }

    [TestMethod]
    [DataRow(ScalarType.Float32, 1, 32, 1e-5)]
    [DataRow(ScalarType.Float32, 5, 64, 1e-5)]
    [DataRow(ScalarType.BFloat16, 3, 32, 2e-2)]
    public void Int4_is_the_product_with_widened_weights(ScalarType type, int rows, int group, double tolerance)
    {
        using var scope = NewDisposeScope();
        manual_seed(22);
        const int inputs = 128, outputs = 96;
        Tensor x = randn(rows, inputs).to(type), weight = randint(0, 16, [outputs, inputs]).to(int32);
        Tensor scalesAndZeros = (rand(inputs / group, outputs, 2) / 10).to(type);
        Tensor spread = scalesAndZeros.to(float64).repeat_interleave(group, 0); // [K, N, 2]
        Tensor widened = ((weight.to(float64) - 8) * spread[TensorIndex.Ellipsis, 0].t()) + spread[TensorIndex.Ellipsis, 1].t(); // [N, K]
        Tensor packed = WeightOnly.PackInt4(weight);
        CollectionAssert.AreEqual(new long[] { outputs, inputs / 2 }, packed.shape);
        Numbers.Close(x.to(float64).matmul(widened.t()), WeightOnly.Int4(x, packed, group, scalesAndZeros), tolerance);
    }

    [TestMethod]
    public void What_does_not_fit_is_refused()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 64), weight = ones(16, 64).to(int8);
        var int8s = Assert.ThrowsExactly<ArgumentException>(() => WeightOnly.Int8(x, weight, ones(15)));
        StringAssert.Contains(int8s.Message, "not Float32[2, 64], Int8[16, 64] and Float32[15]");
        var odd = Assert.ThrowsExactly<ArgumentException>(() => WeightOnly.PackInt4(ones(17, 64).to(int32)));
        StringAssert.Contains(odd.Message, "N a multiple of 16 and K even, not Int32[17, 64]");
        Tensor packed = WeightOnly.PackInt4(ones(16, 64).to(int32));
        var groups = Assert.ThrowsExactly<ArgumentException>(() => WeightOnly.Int4(x, packed, 48, ones(2, 16, 2)));
        StringAssert.Contains(groups.Message, "groups of 32, 64, 128 or 256");
    }
}
