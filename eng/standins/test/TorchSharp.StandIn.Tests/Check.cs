using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

/// <summary>Comparisons of tensors with numbers written by hand.</summary>
internal static class Check
{
    public static void Values(Tensor tensor, params double[] expected) => Near(tensor, 1e-6, expected);

    public static void Near(Tensor tensor, double tolerance, params double[] expected)
    {
        using DisposeScope scope = NewDisposeScope();
        double[] actual = tensor.detach().to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
        Assert.AreEqual(expected.Length, actual.Length, $"Elements of {tensor}.");
        for (int k = 0; k < expected.Length; k++)
            Assert.IsTrue(expected[k].Equals(actual[k]) || Math.Abs(expected[k] - actual[k]) <= tolerance * Math.Max(1, Math.Abs(expected[k])), $"Element {k} is {actual[k]}, expected {expected[k]}.");
    }

    public static void Shape(Tensor tensor, params long[] expected) => CollectionAssert.AreEqual(expected, tensor.shape);

    /// <summary>The gradient of <paramref name="function"/> (to one number) against central differences.</summary>
    public static void Gradient(Func<Tensor, Tensor> function, params double[] at)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor(at, requires_grad: true);
        function(x).backward();
        double[] differences = new double[at.Length];
        const double step = 1e-5;
        for (int k = 0; k < at.Length; k++)
        {
            double Value(double shift)
            {
                double[] moved = (double[])at.Clone();
                moved[k] += shift;
                return function(tensor(moved)).ToDouble();
            }
            differences[k] = (Value(step) - Value(-step)) / (2 * step);
        }
        Near(x.grad, 1e-7, differences);
    }
}
