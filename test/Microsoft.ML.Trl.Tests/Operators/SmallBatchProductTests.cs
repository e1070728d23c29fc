using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class SmallBatchProductTests
{
    private static readonly (int Inputs, int Outputs)[] Sizes =
        [(1, 1), (1, 4), (7, 3), (7, 5), (16, 64), (31, 66), (33, 130), (100, 129), (257, 67), (40, 4200), (65, 8300), (768, 515)];

    [TestMethod]
    [DataRow(1, ScalarType.Float32, 1e-5)]
    [DataRow(2, ScalarType.Float32, 1e-5)]
    [DataRow(2, ScalarType.BFloat16, 1.0 / 256)] // half a unit of the last of its 8 bits
    public void Product_is_the_one_in_float64(int threads, ScalarType type, double tolerance) =>
        ParallelLoopTests.WithThreads(threads, () =>
    {
        manual_seed(31);
        foreach ((int inputs, int outputs) in Sizes)
            for (int rows = 1; rows <= 20; rows += outputs > 1000 ? 5 : 1)
                using (NewDisposeScope())
                {
                    Tensor x = randn(rows, inputs).to(type), weight = randn(outputs, inputs).to(type), bias = randn(outputs).to(type);
                    Tensor across = weight.t().contiguous();
                    Tensor expected = x.to(float64).matmul(weight.to(float64).t());
                    string what = $"{rows} x {inputs} -> {outputs}";
                    Numbers.Close(expected, SmallBatchProduct.Linear(x, weight, null), tolerance, what);
                    Numbers.Close(expected, SmallBatchProduct.Transposed(x, across, null), tolerance, what);
                    Numbers.Close(expected + bias, SmallBatchProduct.Linear(x, weight, bias), tolerance, what);
                    Numbers.Close(expected + bias, SmallBatchProduct.Transposed(x, across, bias), tolerance, what);
                }
    });

    [TestMethod]
    [DataRow(ScalarType.Float32)]
    [DataRow(ScalarType.BFloat16)]
    public void Row_does_not_depend_on_rows_beside_it_nor_on_threads(ScalarType type)
    {
        if (!SmallBatchKernel<float>.IsSupported)
            Assert.Inconclusive("This processor has no 512-bit vectors.");
        using var scope = NewDisposeScope();
        manual_seed(32);
        Tensor weight = randn(8301, 101).to(type), across = weight.t().contiguous(), bias = randn(8301).to(type);
        int most = SmallBatchProduct.MostRows(type);
        Tensor x = randn(most, 101).to(type);
        Tensor[] alone = [.. Enumerable.Range(0, most).Select(row => SmallBatchProduct.Linear(x[row], weight, bias))];
        Tensor[] aloneAcross = [.. Enumerable.Range(0, most).Select(row => SmallBatchProduct.Transposed(x[row], across, bias))];
        foreach (int threads in (int[])[1, 2])
            ParallelLoopTests.WithThreads(threads, () =>
            {
                for (int rows = 1; rows <= most; rows += 3)
                {
                    Tensor some = x[..rows].contiguous();
                    Numbers.Equal(stack(alone[..rows]), SmallBatchProduct.Linear(some, weight, bias), $"{rows} rows, {threads} threads");
                    Numbers.Equal(
                        stack(aloneAcross[..rows]), SmallBatchProduct.Transposed(some, across, bias), $"{rows} rows, {threads} threads");
                }
            });
    }

    [TestMethod]
    public void Leading_dimensions_stay()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(2, 3, 9), weight = randn(5, 9);
        Numbers.Close(nn.functional.linear(x, weight), SmallBatchProduct.Linear(x, weight, null), 1e-5);
        Numbers.Close(nn.functional.linear(x, weight), SmallBatchProduct.Transposed(x, weight.t().contiguous(), null), 1e-5);
    }

    [TestMethod]
    public void What_the_kernel_does_not_take_goes_to_libtorch()
    {
        using var scope = NewDisposeScope();
        manual_seed(33);
        Tensor x = randn(3, 8), weight = randn(6, 8);
        Tensor expected = x.matmul(weight.t());
        Numbers.Close(expected, SmallBatchProduct.Linear(x.t().contiguous().t(), weight, null), 1e-5, "not contiguous");
        Numbers.Close(expected, SmallBatchProduct.Linear(x.to(float64), weight.to(float64), null), 1e-5, "float64");
        Numbers.Close(expected, SmallBatchProduct.Transposed(x, weight.t(), null), 1e-5, "a view");
        Assert.AreEqual(0, SmallBatchProduct.Linear(zeros(0, 8), weight, null).NumberOfElements);
    }

    [TestMethod]
    public void Gradients_flow_where_they_are_asked_for()
    {
        using var scope = NewDisposeScope();
        manual_seed(34);
        Tensor x = randn(3, 8), weight = randn(6, 8, requires_grad: true);
        SmallBatchProduct.Linear(x, weight, null).sum().backward();
        Numbers.Close(x.sum([0L]).expand(6, 8), weight.grad!, 1e-5);
        using (no_grad())
            Assert.IsFalse(SmallBatchProduct.Linear(x, weight, null).requires_grad);
    }

    [TestMethod]
    public void Not_a_number_stays_one()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 40), weight = ones(8, 40);
        weight[3, 39] = double.NaN;
        Tensor across = weight.t().contiguous();
        foreach (Tensor y in (Tensor[])[SmallBatchProduct.Linear(x, weight, null), SmallBatchProduct.Transposed(x, across, null)])
            CollectionAssert.AreEqual(new[] { false, false, false, true, false, false, false, false }, y[0].isnan().data<bool>().ToArray());
    }

    [TestMethod]
    public void Products_leave_nothing_behind() => Numbers.NoneLive(() =>
    {
        using var scope = NewDisposeScope();
        SmallBatchProduct.Linear(ones(2, 40), ones(8, 40), null);
        Assert.AreEqual(3, scope.DisposablesCount);
    });
}
