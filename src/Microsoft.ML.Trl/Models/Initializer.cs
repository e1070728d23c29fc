using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>How a weight is drawn when there is no stored value.</summary>
internal sealed class Initializer(Func<Tensor, Generator, Tensor> fill)
{
    /// <summary>All 0.</summary>
    public static Initializer Zeros { get; } = new((tensor, _) => tensor.zero_());

    /// <summary>All 1.</summary>
    public static Initializer Ones { get; } = new((tensor, _) => Filled(tensor, 1));

    /// <summary>Normal with mean 0.</summary>
    public static Initializer Normal(double deviation) => new((tensor, rng) => tensor.normal_(0, deviation, rng));

    /// <summary>Uniform in [-<paramref name="bound"/>, <paramref name="bound"/>).</summary>
    public static Initializer Uniform(double bound) => new((tensor, rng) => tensor.uniform_(-bound, bound, rng));

    /// <summary>Writes the whole tensor and returns it.</summary>
    public Tensor Fill(Tensor tensor, Generator rng) => fill(tensor, rng);

    private static Tensor Filled(Tensor tensor, double value)
    {
        using Scalar number = value; // lives until libtorch has read it, unlike one that is left to the garbage collector
        return tensor.fill_(number);
    }
}
