using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>All gradients of a model as one vector.</summary>
internal static class Gradients
{
    /// <summary>Euclidean norm of all gradients together.</summary>
    /// <param name="gradients">Of any shapes, on one device.</param>
    /// <returns>Float32 scalar, 0 of no gradients. The caller owns it.</returns>
    public static Tensor Norm(IReadOnlyList<Tensor> gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (gradients.Count == 0)
            return zeros([], ScalarType.Float32).MoveToOuterDisposeScope();
        // _foreach_norm would be one call, but takes its order as a Scalar, which libtorch 2.10 does not accept from outside.
        // The order of a norm would be a native number that the garbage collector may free in the middle of the call; 2 is the default.
        Tensor norms = stack(gradients.Select(gradient => linalg.norm(Wide(gradient), (long[]?)null))); // [N]
        return linalg.norm(norms, (long[]?)null).MoveToOuterDisposeScope();
    }

    private static Tensor Wide(Tensor gradient) => gradient.dtype == ScalarType.Float32 ? gradient : gradient.to_type(ScalarType.Float32);
}
