using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class FunctionalTests
{
    [TestMethod]
    [DataRow(false, false, false)]
    [DataRow(true, false, false)]
    [DataRow(false, true, false)]
    [DataRow(false, true, true)]
    [DataRow(true, false, true)]
    public void Attention_is_the_softmax_of_scaled_scores(bool causal, bool masked, bool grouped)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        const double scale = 0.3;
        Tensor q = randn(2, 4, 5, 8, requires_grad: true), k = randn(2, grouped ? 2 : 4, 5, 8, requires_grad: true);
        Tensor v = randn(2, grouped ? 2 : 4, 5, 8, requires_grad: true), weights = randn(2, 4, 5, 8);
        Tensor allowed = causal ? ones(5, 5).tril() > 0 : rand(2, 1, 5, 5) > 0.4;
        allowed = allowed.logical_or(eye(5) > 0);

        Tensor wideK = grouped ? k.repeat_interleave(2, 1) : k, wideV = grouped ? v.repeat_interleave(2, 1) : v;
        Tensor scores = q.matmul(wideK.transpose(-1, -2)) * scale; // [B, H, T, S]
        if (causal || masked)
            scores = scores.masked_fill(allowed.logical_not(), double.NegativeInfinity);
        Tensor expected = scores.softmax(-1).matmul(wideV);
        Tensor[] expectedGradients = Gradients((expected * weights).sum(), q, k, v);

        Tensor actual = Functional.ScaledDotProductAttention(q, k, v, masked ? allowed : null, causal, scale, grouped);
        Numbers.Close(expected, actual, 1e-5);
        Tensor[] gradients = Gradients((actual * weights).sum(), q, k, v);
        for (int i = 0; i < 3; i++)
            Numbers.Close(expectedGradients[i], gradients[i], 1e-5, $"gradient {i}");
    }

    [TestMethod]
    public void Attention_scales_by_the_root_of_the_width_unless_told_otherwise()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        Tensor q = randn(1, 2, 3, 16), k = randn(1, 2, 7, 16), v = randn(1, 2, 7, 16);
        Numbers.Close((q.matmul(k.transpose(-1, -2)) / 4).softmax(-1).matmul(v), Functional.ScaledDotProductAttention(q, k, v), 1e-5);
    }

    [TestMethod]
    public void Attention_refuses_what_does_not_fit()
    {
        using var scope = NewDisposeScope();
        Tensor q = ones(1, 4, 2, 8), k = ones(1, 2, 2, 8), mask = ones(2, 2) > 0;
        var shapes = Assert.ThrowsExactly<ArgumentException>(() => Functional.ScaledDotProductAttention(q, k, k));
        StringAssert.Contains(shapes.Message, "not [1, 4, 2, 8], [1, 2, 2, 8] and [1, 2, 2, 8]");
        var both = Assert.ThrowsExactly<ArgumentException>(() => Functional.ScaledDotProductAttention(q, q, q, mask, causal: true));
        StringAssert.Contains(both.Message, "combine the two in the mask");
    }

    [TestMethod]
    public void Rms_norm_is_the_composed_one()
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        Tensor x = randn(3, 7, 33, requires_grad: true), weight = randn(33, requires_grad: true), weights = randn(3, 7, 33);
        Tensor expected = x * (x.pow(2).mean([-1], true) + 1e-5).rsqrt() * weight;
        Tensor actual = Functional.RmsNorm(x, weight, 1e-5);
        Numbers.Close(expected, actual, 1e-6);
        Tensor[] expectedGradients = Gradients((expected * weights).sum(), x, weight);
        Tensor[] gradients = Gradients((actual * weights).sum(), x, weight);
        Numbers.Close(expectedGradients[0], gradients[0], 1e-5);
        Numbers.Close(expectedGradients[1], gradients[1], 1e-5);
        Numbers.Close(expected / weight, Functional.RmsNorm(x, null, 1e-5), 1e-5);
    }

    [TestMethod]
    public void Rms_norm_of_16_bit_numbers_squares_in_float32()
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        Tensor x = (randn(5, 4096) * 30).to(bfloat16), wide = x.to(float64); // a sum in bfloat16 would stop growing at 256 terms
        Tensor expected = wide * (wide.pow(2).mean([-1], true) + 1e-6).rsqrt();
        Tensor actual = Functional.RmsNorm(x, null, 1e-6);
        Assert.AreEqual(ScalarType.BFloat16, actual.dtype);
        Numbers.Equal(expected.to(float32).to(bfloat16), actual);
    }

    [TestMethod]
    public void Rms_norm_refuses_a_weight_of_another_length()
    {
        using var scope = NewDisposeScope();
        var failure = Assert.ThrowsExactly<ArgumentException>(() => Functional.RmsNorm(ones(2, 3), ones(4), 1e-5));
        StringAssert.Contains(failure.Message, "x is [2, 3], the weight [4]");
        var scalar = Assert.ThrowsExactly<ArgumentException>(() => Functional.RmsNorm(tensor(1f), null, 1e-5));
        StringAssert.Contains(scalar.Message, "not a scalar");
    }

    private static Tensor[] Gradients(Tensor loss, params Tensor[] of) => [.. autograd.grad([loss], of)];
}
