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
    public void What_does_not_fit_is_refused()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 64), weight = ones(16, 64).to(int8);
        var int8s = Assert.ThrowsExactly<ArgumentException>(() => WeightOnly.Int8(x, weight, ones(15)));
        StringAssert.Contains(int8s.Message, "not Float32[2, 64], Int8[16, 64] and Float32[15]");
        var steps = Assert.ThrowsExactly<ArgumentException>(() => WeightOnly.Int8(ones(2, 40), ones(16, 40).to(int8), ones(16)));
        StringAssert.Contains(steps.Message, "K a multiple of 32");
    }
}
