using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Kernels over tensor memory against plain tensor operations; float32, tolerance 1e-5 relative to the largest entry.</summary>
[TestClass]
public sealed class KernelTests
{
    private const double Tolerance = 1e-5;

    [TestMethod]
    [DataRow(1)]
    [DataRow(15)]
    [DataRow(16)]
    [DataRow(40_003)]
    public void Gelu_and_its_gradient_equal_the_composed_ones(int count)
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(count, generator: new Generator(1)) * 4;
        Tensor slope = randn(count, generator: new Generator(2));
        (Tensor value, Tensor gradient) = Differentiate(GeluFunction.Of, x, slope);
        (Tensor expected, Tensor expectedGradient) = Differentiate(Activations.ComposedTanhGelu, x, slope);
        Near(expected, value);
        Near(expectedGradient, gradient);
    }

    [TestMethod]
    public void Gelu_stays_finite_far_from_zero()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor([-1e30f, -100f, -20f, 0f, 20f, 100f, 1e10f]);
        (Tensor value, Tensor gradient) = Differentiate(GeluFunction.Of, x, ones(7));
        float[] expected = [0, 0, 0, 0, 20, 100, 1e10f];
        float[] expectedSlope = [0, 0, 0, 0.5f, 1, 1, 1];
        Close.Absolute(tensor(expected), value, 1e-6);
        Close.Absolute(tensor(expectedSlope), gradient, 1e-6);
    }

    [TestMethod]
    public void The_exponential_is_right_to_a_few_units_in_the_last_place()
    {
        float[] x = [.. Enumerable.Range(0, 20_001).Select(i => -86f + (i * 0.0087f))];
        float[] result = [.. x];
        unsafe
        {
            fixed (float* pointer = result)
                VectorExp.Shifted(pointer, result.Length, 0);
        }
        double[] ratios = [.. x.Select((value, i) => result[i] / Math.Exp(value))];
        Close.Absolute(Enumerable.Repeat(1.0, x.Length).ToArray(), ratios, 3e-7);
    }

    [TestMethod]
    [DataRow(2, 7, 4, 8, false)]
    [DataRow(2, 7, 4, 8, true)]
    [DataRow(3, 70, 2, 64, false)]
    [DataRow(3, 70, 2, 64, true)]
    [DataRow(1, 1, 1, 20, false)]
    [DataRow(2, 33, 3, 20, true)]
    public void Packed_attention_and_its_gradient_equal_the_composed_ones(int batch, int length, int heads, int size, bool isPadded)
    {
        using var scope = NewDisposeScope();
        Tensor packed = randn(batch * length, 3 * heads * size, generator: new Generator(3));
        Tensor slope = randn(batch * length, heads * size, generator: new Generator(4));
        AttentionPattern pattern = Pattern(batch, length, isPadded);
        double scale = 1 / Math.Sqrt(size);
        AttentionShape shape = AttentionShape.Of(pattern, heads, heads, size, scale, null);
        (Tensor value, Tensor gradient) = Differentiate(x => PackedAttention.Of(x, shape), packed, slope);
        (Tensor expected, Tensor expectedGradient) = Differentiate(x => Composed(x, pattern, heads, size, scale), packed, slope);
        Near(expected, value);
        Near(expectedGradient, gradient);
    }

    [TestMethod]
    public void Kernels_leave_no_tensor_behind()
    {
        Leaks.None(() =>
        {
            using var scope = NewDisposeScope();
            Tensor x = randn(10, 96, generator: new Generator(5)).requires_grad_();
            AttentionShape shape = AttentionShape.Of(Pattern(2, 5, false), 4, 4, 8, 0.5, null);
            GeluFunction.Of(PackedAttention.Of(x, shape)).sum().backward();
        });
    }

    private static AttentionPattern Pattern(int batch, int length, bool isPadded)
    {
        Tensor ids = zeros(batch, length, ScalarType.Int64);
        if (!isPadded)
            return AttentionPattern.Create(ids, null, 0, length);
        Tensor mask = ones(batch, length, ScalarType.Bool);
        for (int row = 1; row < batch; row++)
            mask.select(0, row).narrow(0, 0, Math.Min(length - 1, 2 * row)).fill_(false);
        return AttentionPattern.Create(ids, mask, 0, length);
    }

    private static Tensor Composed(Tensor packed, AttentionPattern pattern, int heads, int size, double scale)
    {
        Tensor parts = packed.view(pattern.Batch, pattern.Length, 3, heads, size);
        Tensor Part(long index) => parts.select(2, index).transpose(1, 2);
        return Attention.Composed(Part(0), Part(1), Part(2), pattern, null, scale).view(pattern.Batch * pattern.Length, heads * size);
    }

    private static (Tensor Value, Tensor Gradient) Differentiate(Func<Tensor, Tensor> function, Tensor x, Tensor slope)
    {
        Tensor input = x.detach().clone().requires_grad_();
        Tensor value = function(input);
        autograd.backward(value, slope);
        return (value.detach(), input.grad!);
    }

    private static void Near(Tensor expected, Tensor actual) => Close.Relative(expected, actual, Tolerance);
}
