using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// libtorch's product with weights of 8 bits, which are widened in registers and never in memory. No gradients; on the CPU. In float32 it
/// is slow: <see cref="SmallBatchProduct"/> has a faster one where the processor has AVX-512.
/// </summary>
internal static class WeightOnly
{
    private const int Step = 32; // inputs that the product reads at a time, those beyond the last one too

    /// <summary>Whether there is a product with so many inputs.</summary>
    public static bool Fits(long inputs) => inputs % Step == 0;

    /// <summary>x·(weight · scales)ᵀ with 8-bit weights and one scale for each output.</summary>
    /// <param name="x">[M, K] float32, bfloat16 or float16; K a multiple of 32.</param>
    /// <param name="weight">[N, K] int8, contiguous.</param>
    /// <param name="scales">[N] of x's type.</param>
    /// <returns>[M, N] of x's type. The caller owns it.</returns>
    /// <exception cref="ArgumentException">Types or shapes do not fit.</exception>
    public static Tensor Int8(Tensor x, Tensor weight, Tensor scales)
    {
        bool fits = IsMatrix(x) && weight.dim() == 2 && weight.dtype == ScalarType.Int8 && weight.shape[1] == x.shape[1] && Fits(x.shape[1])
            && scales.dim() == 1 && scales.shape[0] == weight.shape[0] && scales.dtype == x.dtype && weight.is_contiguous();
        if (!fits)
            throw new ArgumentException(
                "An 8-bit product takes numbers [M, K], K a multiple of 32, int8 weights [N, K] and scales [N] of the numbers' type, " +
                $"not {Say(x)}, {Say(weight)} and {Say(scales)}.", nameof(weight));
        var call = new OperatorCall("aten::_weight_int8pack_mm"u8);
        call.Add(x);
        call.Add(weight);
        call.Add(scales);
        return call.RunToTensor();
    }

    private static bool IsMatrix(Tensor x) => x.dim() == 2 && x.device_type == DeviceType.CPU
        && x.dtype is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16;

    private static string Say(Tensor tensor) => $"{tensor.dtype}[{string.Join(", ", tensor.shape)}]";
}
