using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>Compares numbers with a reference and remembers the largest deviation.</summary>
internal sealed class Worst
{
    private readonly Dictionary<string, (double Deviation, string Name)> _largest = [];

    /// <summary>Deviation up to <paramref name="tolerance"/>, absolute, or relative where the expected number is larger than 1.</summary>
    public void Check(string name, double expected, double actual, double tolerance, string kind = "value")
    {
        double deviation = Math.Abs(expected - actual) / Math.Max(1, Math.Abs(expected));
        Remember(kind, deviation, name);
        Assert.IsTrue(deviation <= tolerance, string.Create(CultureInfo.InvariantCulture, $"{name}: expected {expected:G9}, got {actual:G9}, deviation {deviation:G3} > {tolerance:G3}."));
    }

    /// <summary>Largest difference of two tensors, relative to the largest expected entry.</summary>
    public void CheckGradient(string name, Tensor expected, Tensor actual, double tolerance, string kind = "gradient")
    {
        using var scope = NewDisposeScope();
        double size = Math.Max(expected.abs().max().item<float>(), 1e-8);
        double deviation = (expected - actual).abs().max().item<float>() / size;
        Remember(kind, deviation, name);
        Assert.IsTrue(deviation <= tolerance, string.Create(CultureInfo.InvariantCulture, $"{name}: deviation {deviation:G3} of the largest entry {size:G3} > {tolerance:G3}."));
    }

    /// <summary>Writes the largest deviations to the test's output.</summary>
    public void Print(string title)
    {
        foreach ((string kind, (double deviation, string name)) in _largest)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{title}: largest deviation of a {kind} {deviation:G3} ({name})"));
    }

    private void Remember(string kind, double deviation, string name)
    {
        if (!_largest.TryGetValue(kind, out var known) || !(deviation <= known.Deviation))
            _largest[kind] = (deviation, name);
    }
}
