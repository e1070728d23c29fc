using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Mean, variance and whitening over the true positions of a mask; TRL v0.11.4, core.py.</summary>
public static class Masked
{
    /// <summary>Mean of the true positions; NaN where there is none.</summary>
    /// <param name="values">[...] float32.</param>
    /// <param name="mask">Same shape; bool, or 0 and 1.</param>
    /// <returns>A scalar. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The two differ in shape, or the values are no floating-point numbers.</exception>
    public static Tensor Mean(Tensor values, Tensor mask)
    {
        Check(values, mask);
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = mask.to_type(values.dtype);
        return ((values * weight).sum() / weight.sum()).MoveToOuterDisposeScope();
    }

    /// <summary>Mean of the true positions along one dimension.</summary>
    /// <param name="values">[...] float32.</param>
    /// <param name="mask">Same shape; bool, or 0 and 1.</param>
    /// <param name="dimension">The one to average over.</param>
    /// <returns>One dimension less than <paramref name="values"/>. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// The two differ in shape, have no such dimension, or the values are no floating-point numbers.
    /// </exception>
    public static Tensor Mean(Tensor values, Tensor mask, long dimension)
    {
        Check(values, mask);
        long last = values.dim() - 1;
        if (dimension < -last - 1 || dimension > last)
            throw new ArgumentOutOfRangeException(
                nameof(dimension),
                $"dimension ({dimension}) must be one of the values': {(last < 0 ? "a scalar has none" : $"{-last - 1} to {last}")}.");
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = mask.to_type(values.dtype);
        return ((values * weight).sum(dimension) / weight.sum(dimension)).MoveToOuterDisposeScope();
    }

    /// <summary>Variance of the true positions.</summary>
    /// <param name="values">[...] float32.</param>
    /// <param name="mask">Same shape; bool, or 0 and 1.</param>
    /// <param name="unbiased">Divide by n - 1 instead of n.</param>
    /// <returns>A scalar. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// The two differ in shape, the values are no floating-point numbers, or the unbiased variance of fewer than two was asked for.
    /// </exception>
    public static Tensor Variance(Tensor values, Tensor mask, bool unbiased = true)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor deviation = values - Mean(values, mask);
        Tensor variance = Mean(deviation * deviation, mask);
        if (unbiased)
        {
            double count = mask.to_type(ScalarType.Float32).sum().item<float>();
            if (count < 2)
                throw new ArgumentException(
                    $"The mask has {count} true positions; the unbiased variance needs at least 2. " +
                    "Use a larger mini-batch or longer responses.", nameof(mask));
            variance = variance * (count / (count - 1));
        }
        return variance.MoveToOuterDisposeScope();
    }

    /// <summary>Values scaled to variance 1 over the mask and, with <paramref name="shiftMean"/>, moved to mean 0.</summary>
    /// <param name="values">[...] float32.</param>
    /// <param name="mask">Same shape; bool, or 0 and 1.</param>
    /// <param name="shiftMean">False keeps the mean where it was.</param>
    /// <returns>Shape of <paramref name="values"/>; positions outside the mask are scaled too, as in TRL. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// The two differ in shape, the values are no floating-point numbers, or fewer than two count.
    /// </exception>
    public static Tensor Whiten(Tensor values, Tensor mask, bool shiftMean = true)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor mean = Mean(values, mask);
        Tensor whitened = (values - mean) * (Variance(values, mask) + 1e-8).rsqrt();
        return (shiftMean ? whitened : whitened + mean).MoveToOuterDisposeScope();
    }

    private static void Check(Tensor values, Tensor mask)
    {
        RequireTensor.Floating(values);
        RequireTensor.Alive(mask);
        RequireTensor.OneShape((values, nameof(values)), (mask, nameof(mask)));
    }
}
