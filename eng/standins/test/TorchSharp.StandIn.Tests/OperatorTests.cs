using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class OperatorTests
{
    private DisposeScope _scope = null!;

    [TestInitialize]
    public void Open() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Arithmetic_with_tensors_and_numbers_on_either_side()
    {
        Tensor x = tensor(new[] { 1f, 2f, 4f });
        Check.Values(x + x, 2, 4, 8);
        Check.Values(x - 1, 0, 1, 3);
        Check.Values(1 - x, 0, -1, -3);
        Check.Values(2.5 * x, 2.5, 5, 10);
        Check.Values(8 / x, 8, 4, 2);
        Check.Values(x / 2L, 0.5, 1, 2);
        Check.Values(x % 3, 1, 2, 1);
        Check.Values(-x, -1, -2, -4);
        Check.Values(x.pow(2), 1, 4, 16);
        Check.Values(x.div(3, RoundingMode.floor), 0, 0, 1);
        Check.Values(x.add(x, 10), 11, 22, 44);
        Check.Values(x.addcmul(x, x, 0.5), 1.5, 4, 12);
        Assert.AreEqual(ScalarType.Float32, (x * 2.0).dtype);
    }

    [TestMethod]
    public void In_place_variants_change_and_return_the_tensor_itself()
    {
        Tensor x = ones(3);
        Assert.AreSame(x, x.add_(1).mul_(3).sub_(tensor(1f)).clamp_(0, 4));
        Check.Values(x, 4, 4, 4);
        Tensor zeros = x.zero_();
        Assert.AreNotSame(x, zeros); // this one alone returns a new reference
        Check.Values(x, 0, 0, 0);
        Assert.AreSame(x, x.fill_(2).sqrt_());
        Check.Values(x, Math.Sqrt(2), Math.Sqrt(2), Math.Sqrt(2));
    }

    [TestMethod]
    public void Comparisons_give_booleans()
    {
        Tensor x = arange(4);
        Check.Values(x > 1, 0, 0, 1, 1);
        Check.Values(2 <= x, 0, 0, 1, 1);
        Check.Values((x == 1) | (x == 3), 0, 1, 0, 1);
        Check.Values(~(x != 0), 1, 0, 0, 0);
        Assert.AreEqual(ScalarType.Bool, (x > 1).dtype);
        Assert.IsTrue(x.allclose(arange(4)));
        Assert.IsTrue(x.Equals(arange(4)));
        Assert.IsFalse(x.Equals(arange(5)));
    }

    [TestMethod]
    public void Reductions_over_everything_and_along_dimensions()
    {
        Tensor x = tensor(new float[,] { { 1, 2, 3 }, { 4, 5, 9 } });
        Check.Values(x.sum(), 24);
        Check.Values(x.sum(0L), 5, 7, 12);
        Check.Values(x.mean([1], keepdim: true), 2, 6);
        Check.Shape(x.mean([1], keepdim: true), 2, 1);
        Check.Values(x.var([1L], unbiased: true), 1, 7);
        Check.Values(x.std(1, unbiased: false), Math.Sqrt(2.0 / 3), Math.Sqrt(14.0 / 3));
        Check.Values(x.max(1).values, 3, 9);
        Check.Values(x.argmax(1), 2, 2);
        Check.Values(x.cumsum(1), 1, 3, 6, 4, 9, 18);
        Check.Values(x.logsumexp(1), Math.Log(Math.Exp(1) + Math.Exp(2) + Math.Exp(3)), Math.Log(Math.Exp(4) + Math.Exp(5) + Math.Exp(9)));
        Check.Values(x.norm(), Math.Sqrt(1 + 4 + 9 + 16 + 25 + 81));
        Check.Values(x.prod(1), 6, 180);
        Check.Values(x.amax(0, 1), 9);
        Check.Values((x > 2).any(1), 1, 1);
        Check.Values((x > 2).all(1), 0, 1);
    }

    [TestMethod]
    public void Order_and_search()
    {
        Tensor x = tensor(new[] { 3f, 1f, 2f });
        (Tensor values, Tensor places) = x.sort(descending: true);
        Check.Values(values, 3, 2, 1);
        Check.Values(places, 0, 2, 1);
        Check.Values(x.topk(2).values, 3, 2);
        Check.Values(x.argsort(), 1, 2, 0);
        Check.Values(tensor(new[] { 1L, 3L, 5L }).bucketize(tensor(new[] { 2L, 4L })), 0, 1, 2);
        (Tensor unique, Tensor inverse, Tensor counts) = tensor(new[] { 5, 1, 5 }).unique(return_counts: true);
        Check.Values(unique, 1, 5);
        Check.Values(counts, 1, 2);
        Assert.IsNull(inverse);
    }

    [TestMethod]
    public void Products_of_matrices()
    {
        Tensor a = tensor(new float[,] { { 1, 2 }, { 3, 4 } }), b = tensor(new float[,] { { 0, 1 }, { 1, 0 } });
        Check.Values(a.matmul(b), 2, 1, 4, 3);
        Check.Values(a.addmm(a, b, beta: 2, alpha: -1), 0, 3, 2, 5);
        Check.Values(einsum("ij,kj->ik", a, b), 2, 1, 4, 3);
        Check.Values(bmm(a.unsqueeze(0), b.unsqueeze(0)), 2, 1, 4, 3);
        Check.Values(a.tensordot(b, [1L], [0L]), 2, 1, 4, 3);
        Check.Values(a.mv(tensor(new[] { 1f, 1f })), 3, 7);
        Check.Values(linalg.norm(a, "fro"), Math.Sqrt(30));
    }

    [TestMethod]
    public void Softmax_and_its_logarithm()
    {
        Tensor x = tensor(new[] { 0.0, Math.Log(3) });
        Check.Values(x.softmax(0), 0.25, 0.75);
        Check.Values(x.log_softmax(0), Math.Log(0.25), Math.Log(0.75));
        Assert.AreEqual(ScalarType.Float32, x.softmax(0, ScalarType.Float32).dtype);
        Check.Values(nan_to_num(tensor(new[] { double.NaN, 1 })), 0, 1);
        Check.Values(isfinite(tensor(new[] { double.PositiveInfinity, 1 })), 0, 1);
    }

    [TestMethod]
    public void Joining_and_splitting()
    {
        Tensor x = arange(6).reshape(2, 3);
        Check.Shape(cat([x, x], -1), 2, 6);
        Check.Shape(stack([x, x, x]), 3, 2, 3);
        Check.Values(cat([x[0], x[1]]), 0, 1, 2, 3, 4, 5);
        Check.Values(x.split(2, 1)[1], 2, 5);
        Check.Values(x.split([1L, 2L], 1)[0], 0, 3);
        Check.Values(x.chunk(3, 1)[2], 2, 5);
        Check.Values(x.unbind()[1], 3, 4, 5);
        Check.Values(where(x > 2, x, tensor(0L)), 0, 0, 0, 3, 4, 5);
        Assert.AreEqual(200, cat(Enumerable.Repeat(x, 100).ToArray()).shape[0]);
    }
}
