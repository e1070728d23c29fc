using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>Products against those with the widened matrix; rounding against its bound.</summary>
[TestClass]
public sealed class QuantizedMatrixTests
{
    public static IEnumerable<object[]> Products =>
        from quantization in Enum.GetValues<WeightQuantization>().Except([WeightQuantization.None])
        from rows in new[] { 1, 3, 4, 6, 9, 200 }
        from inputs in quantization switch
        {
            WeightQuantization.Int8 => new[] { 8, 32, 88 },
            WeightQuantization.Int4 => [32, 96],
            _ => [64, 128, 33], // the last one without products of few rows, and with blocks that go over the ends of rows
        }
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
    [DataRow(WeightQuantization.Nf4)]
    [DataRow(WeightQuantization.Nf4Nested)]
    public void States_get_the_gradient_of_the_widened_matrix(WeightQuantization quantization)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using QuantizedMatrix matrix = Of(quantization, randn(70_000, 32)); // more rows than are widened at a time
        Tensor x = randn(3, 32, requires_grad: true), bias = randn(70_000, requires_grad: true), weights = randn(3, 70_000);
        Tensor y = matrix.Product(x, bias);
        Close.Absolute(x.detach().matmul(matrix.Rows(null).t()) + bias.detach(), y, 1e-4, "product");
        (y * weights).sum().backward();
        Close.Relative(weights.matmul(matrix.Rows(null)), x.grad!, 1e-4, "gradient");
        Close.Relative(weights.sum([0L]), bias.grad!, 1e-5, "gradient of the bias");
    }

    /// <summary>In float64, where a slope has nine good digits; also where the bias alone is trained, as adapters may have it.</summary>
    [TestMethod]
    [DataRow(WeightQuantization.Int8)]
    [DataRow(WeightQuantization.Int4)]
    [DataRow(WeightQuantization.Nf4)]
    [DataRow(WeightQuantization.Nf4Nested)]
    public void Gradients_are_the_central_differences(WeightQuantization quantization)
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        using QuantizedMatrix matrix = Of(quantization, randn(5, 32));
        Tensor x = randn(2, 32, float64, requires_grad: true), bias = randn(5, float64, requires_grad: true);
        Tensor Loss(Tensor states, Tensor added) => matrix.Product(states, added).pow(3).sum();
        Loss(x, bias).backward();
        Tensor[] plain = [x.detach(), bias.detach()];
        Close.Relative(FiniteDifferences.Of(plain[0], moved => Loss(moved, plain[1]).item<double>()), x.grad!, 1e-6, "states");
        Close.Relative(FiniteDifferences.Of(plain[1], moved => Loss(plain[0], moved).item<double>()), bias.grad!, 1e-6, "bias");
        using Tensor alone = bias.detach().requires_grad_(true);
        Loss(plain[0], alone).backward();
        Close.Absolute(bias.grad!, alone.grad!, 0, "the bias alone");
    }

    [TestMethod]
    public void A_product_that_records_a_gradient_keeps_nothing_wide() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using QuantizedMatrix matrix = Of(WeightQuantization.Nf4Nested, ones(64, 64));
        Tensor x = ones(4, 64, requires_grad: true);
        long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Tensor y = matrix.Product(x, null);
        Assert.AreEqual(1, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount - before, "tensors besides the result");
        y.sum().backward();
        HandedGradients.Drop();
    });

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
        quantization switch
        {
            WeightQuantization.Int4 => Int4Matrix.Of(wide),
            WeightQuantization.Int8 => Int8Matrix.Of(wide),
            _ => Nf4Matrix.Of(wide, quantization == WeightQuantization.Nf4Nested),
        };
}
