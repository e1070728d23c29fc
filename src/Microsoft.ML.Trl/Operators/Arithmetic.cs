using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Sums and products whose native numbers live until libtorch has read them, and are freed then. TorchSharp's own operators leave them
/// to the garbage collector, which may free them in the middle of a call.
/// </summary>
internal static class Arithmetic
{
    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => Sum(a, b, 1);

    /// <summary>a - b.</summary>
    public static Tensor Minus(this Tensor a, Tensor b) => Sum(a, b, -1);

    /// <summary>a times a number.</summary>
    public static Tensor Times(this Tensor a, double factor)
    {
        using Scalar number = factor;
        return a.mul(number);
    }

    /// <summary>a plus a number.</summary>
    public static Tensor Plus(this Tensor a, double summand)
    {
        using Scalar number = summand, factor = 1;
        return a.add(number, factor);
    }

    /// <summary>a, no number of it below or above the bounds.</summary>
    public static Tensor Within(this Tensor a, double low, double high)
    {
        using Scalar from = low, to = high;
        return a.clamp(from, to);
    }

    private static Tensor Sum(Tensor a, Tensor b, int factor)
    {
        using Scalar number = factor;
        return a.add(b, number);
    }
}
