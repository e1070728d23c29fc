using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>Products against those with the widened matrix; rounding against its bound.</summary>
[TestClass]
public sealed class QuantizedMatrixTests
{
    public static IEnumerable<object[]> Products =>
        from quantization in new[] { WeightQuantization.Int8, WeightQuantization.Int4 }
        from rows in new[] { 1, 3, 4, 6, 9, 200 }
        from inputs in quantization == WeightQuantization.Int4 ? [32, 96] : new[] { 8, 32, 88 }
        select new object[] { quantization, rows, inputs };

    [TestMethod]
    [DynamicData(nameof(Products))]
    public void A_product_is_that_with_the_widened_matrix(WeightQuantization quantization, int rows, int inputs)
    {
        using var scope = NewDisposeScope();
        manual_seed(rows);
        Tensor wide = randn(70, inputs), x = randn(rows, inputs), bias = randn(70);
        using QuantizedMatrix matrix = Of(quantization, wide);
        Tensor widened = matrix.Rows(null).to(float64);
        Tensor expected = x.to(float64).matmul(widened.t());
        double tolerance = SmallBatchKernel<float>.IsSupported ? 1e-4 : 0.5; // libtorch's product is one of bfloat16
        Close.Absolute(expected, matrix.Product(x, null), tolerance, "without bias");
        Close.Absolute(expected + bias, matrix.Product(x, bias), tolerance, "with bias");
        Close.Absolute(expected.view(rows, 1, 70), matrix.Product(x.view(rows, 1, inputs), null), tolerance, "three dimensions");
        Close.Absolute(expected, matrix.Product(x.to(bfloat16), null), 0.5, "bfloat16"); // sums of 96 numbers of 3 digits
        Close.Absolute(widened.index_select(0, tensor([3L, 1L])), matrix.Rows(tensor([3L, 1L])), 0, "rows");
    }

    /// <summary>The gradient of the states, for what stands before a frozen layer.</summary>
    [TestMethod]
    [DataRow(WeightQuantization.Int8)]
    [DataRow(WeightQuantization.Int4)]
    public void States_get_the_gradient_of_the_widened_matrix(WeightQuantization quantization)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using QuantizedMatrix matrix = Of(quantization, randn(20, 32));
        Tensor x = randn(3, 32, requires_grad: true), weights = randn(3, 20);
        (matrix.Product(x, null) * weights).sum().backward();
        Close.Absolute(weights.matmul(matrix.Rows(null)), x.grad!, 1e-4, "gradient");
    }

    [TestMethod]
    public void Int8_rounds_to_half_a_127th_of_a_rows_largest_weight()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor wide = randn(40, 50);
        wide[5].zero_();
        using Int8Matrix matrix = Int8Matrix.Of(wide);
        Tensor bound = wide.abs().amax([1], keepdim: true) / 254;
        Tensor error = (matrix.Rows(null) - wide).abs();
        Assert.IsTrue(error.le((bound * 1.0001) + 1e-9).all().item<bool>());
        using Int8Matrix again = Int8Matrix.Of(matrix.Rows(null));
        Close.Absolute(matrix.Rows(null), again.Rows(null), 1e-6, "rounded twice");
    }

    [TestMethod]
    public void Int4_rounds_as_Q4_0_does()
    {
        using var scope = NewDisposeScope();
        float[] block = [.. Enumerable.Range(0, 32).Select(i => i == 7 ? -8f : (i % 16) - 7.75f)]; // scale 1: the largest is -8
        using Int4Matrix matrix = Int4Matrix.Of(tensor(block).view(1, 32));
        float[] expected = [.. block.Select(value => Math.Clamp(MathF.Floor(value + 8.5f), 0, 15) - 8)];
        CollectionAssert.AreEqual(expected, matrix.Rows(null).data<float>().ToArray());
        manual_seed(4);
        using Int4Matrix first = Int4Matrix.Of(cat([randn(30, 64), zeros(1, 64)]));
        using Int4Matrix again = Int4Matrix.Of(first.Rows(null));
        Close.Absolute(first.Rows(null), again.Rows(null), 0, "rounded twice");
    }

    private static QuantizedMatrix Of(WeightQuantization quantization, Tensor wide) =>
        quantization == WeightQuantization.Int4 ? Int4Matrix.Of(wide) : Int8Matrix.Of(wide);
}
