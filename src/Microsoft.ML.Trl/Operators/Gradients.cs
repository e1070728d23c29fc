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
        Tensor norms = stack(gradients.Select(gradient => linalg.vector_norm(Wide(gradient), 2))); // [N]
        return linalg.vector_norm(norms, 2).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// What to divide gradients by so that their norm is at most a limit: max(1, (norm + 1e-6) / limit), as
    /// torch.nn.utils.clip_grad_norm_ does.
    /// </summary>
    /// <param name="norm">Scalar of <see cref="Norm"/>.</param>
    /// <param name="limit">Greater than 0.</param>
    /// <returns>
    /// Float32 scalar for <see cref="FusedOptimizers.Step.GradientDivisor"/>, without waiting for the device. The caller owns it.
    /// </returns>
    public static Tensor Divisor(Tensor norm, double limit)
    {
        ArgumentNullException.ThrowIfNull(norm);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        using DisposeScope scope = NewDisposeScope();
        return ((norm + 1e-6) / limit).clamp_min(1).MoveToOuterDisposeScope();
    }

    /// <summary>Multiplies all gradients by one number, in one call.</summary>
    /// <param name="gradients">Changed in place.</param>
    /// <param name="factor">Float32 scalar.</param>
    public static void Multiply(IReadOnlyList<Tensor> gradients, Tensor factor)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        if (gradients.Count == 0)
            return;
        var call = new OperatorCall("aten::_foreach_mul_"u8, "Tensor"u8);
        call.Add(gradients);
        call.Add(factor);
        call.Run();
    }

    private static Tensor Wide(Tensor gradient) => gradient.dtype == ScalarType.Float32 ? gradient : gradient.to_type(ScalarType.Float32);
}
