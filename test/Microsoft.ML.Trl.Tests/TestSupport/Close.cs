using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Numbers that have to agree.</summary>
internal static class Close
{
    /// <summary>Largest absolute difference.</summary>
    public static double Distance(Tensor actual, Tensor expected)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        CollectionAssert.AreEqual(expected.shape, actual.shape);
        return expected.NumberOfElements == 0 ? 0 : (actual.to_type(ScalarType.Float64) - expected.to_type(ScalarType.Float64)).abs().max().item<double>();
    }

    /// <summary>Largest absolute difference is at most <paramref name="tolerance"/>.</summary>
    public static void Absolute(Tensor expected, Tensor actual, double tolerance, string what = "")
    {
        double distance = Distance(actual, expected);
        Assert.IsTrue(distance <= tolerance, $"{what}: off by {distance:G3}, allowed {tolerance:G3}.");
    }

    /// <summary>Largest difference is at most <paramref name="tolerance"/> times the largest expected entry.</summary>
    public static void Relative(Tensor expected, Tensor actual, double tolerance, string what = "")
    {
        using var scope = NewDisposeScope();
        double scale = expected.detach().abs().max().to_type(ScalarType.Float64).item<double>();
        Absolute(expected, actual, tolerance * scale, what);
    }
}
