using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Products with weights of 8 or 4 bits, which are widened in registers and never in memory. No gradients; on the CPU, where decoding waits
/// for the memory.
/// </summary>
internal static class WeightOnly
{
    /// <summary>Outputs of 4-bit weights come in multiples of this.</summary>
    public const int Int4Outputs = 16;

    /// <summary>x·(weight · scales)ᵀ with 8-bit weights and one scale for each output.</summary>
    /// <param name="x">[M, K] float32, bfloat16 or float16.</param>
    /// <param name="weight">[N, K] int8, contiguous.</param>
    /// <param name="scales">[N] of x's type.</param>
    /// <returns>[M, N] of x's type. The caller owns it.</returns>
    /// <exception cref="ArgumentException">Types or shapes do not fit.</exception>
    public static Tensor Int8(Tensor x, Tensor weight, Tensor scales)
    {
        bool fits = IsMatrix(x) && weight.dim() == 2 && weight.dtype == ScalarType.Int8 && weight.shape[1] == x.shape[1]
            && scales.dim() == 1 && scales.shape[0] == weight.shape[0] && scales.dtype == x.dtype && weight.is_contiguous();
        if (!fits)
            throw new ArgumentException(
                "An 8-bit product takes numbers [M, K], int8 weights [N, K] and scales [N] of the numbers' type, " +
                $"not {Say(x)}, {Say(weight)} and {Say(scales)}.", nameof(weight));
        var call = new OperatorCall("aten::_weight_int8pack_mm"u8);
        call.Add(x);
        call.Add(weight);
        call.Add(scales);
        return call.RunToTensor();
    }

    /// <summary>
    /// Packs 4-bit weights for <see cref="Int4"/>. The layout depends on the processor: it is made at loading and never saved.
    /// </summary>
    /// <param name="weight">[N, K] int32 in [0, 15]; N a multiple of 16, K even.</param>
    /// <returns>[N, K / 2] uint8. The caller owns it.</returns>
    /// <exception cref="ArgumentException">Type or shape do not fit.</exception>
    public static Tensor PackInt4(Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.dim() != 2 || weight.dtype != ScalarType.Int32 || weight.shape[0] % Int4Outputs != 0 || weight.shape[1] % 2 != 0)
            throw new ArgumentException(
                $"4-bit weights are packed from int32 [N, K], N a multiple of {Int4Outputs} and K even, not {Say(weight)}.",
                nameof(weight));
        var call = new OperatorCall("aten::_convert_weight_to_int4pack_for_cpu"u8);
        call.Add(weight);
        call.Add(1); // inner tiles: read on CUDA only
        return call.RunToTensor();
    }

    /// <summary>x·wᵀ with w = (q - 8) · scale + zero, q of 4 bits, scale and zero for each group of inputs of each output.</summary>
    /// <param name="x">[M, K] float32, bfloat16 or float16.</param>
    /// <param name="packed">[N, K / 2] uint8 of <see cref="PackInt4"/>.</param>
    /// <param name="group">Inputs that share a scale: 32, 64, 128 or 256; divides K.</param>
    /// <param name="scalesAndZeros">[K / group, N, 2] of x's type.</param>
    /// <returns>[M, N] of x's type. The caller owns it.</returns>
    /// <exception cref="ArgumentException">Types or shapes do not fit.</exception>
    public static Tensor Int4(Tensor x, Tensor packed, int group, Tensor scalesAndZeros)
    {
        bool fits = IsMatrix(x) && group is 32 or 64 or 128 or 256 && x.shape[1] % group == 0
            && packed.dim() == 2 && packed.dtype == ScalarType.Byte && packed.shape[1] * 2 == x.shape[1]
            && scalesAndZeros.dim() == 3 && scalesAndZeros.dtype == x.dtype
            && scalesAndZeros.shape.AsSpan().SequenceEqual([x.shape[1] / group, packed.shape[0], 2]);
        if (!fits)
            throw new ArgumentException(
                "A 4-bit product takes numbers [M, K], packed weights [N, K / 2], groups of 32, 64, 128 or 256 that divide K, " +
                "and scales and zeros [K / group, N, 2] of the numbers' type, " +
                $"not {Say(x)}, {Say(packed)}, {group} and {Say(scalesAndZeros)}.", nameof(packed));
        var call = new OperatorCall("aten::_weight_int4pack_mm_for_cpu"u8);
        call.Add(x);
        call.Add(packed);
        call.Add(group);
        call.Add(scalesAndZeros);
        return call.RunToTensor();
    }

    private static bool IsMatrix(Tensor x) => x.dim() == 2 && x.device_type == DeviceType.CPU
        && x.dtype is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16;

    private static string Say(Tensor tensor) => $"{tensor.dtype}[{string.Join(", ", tensor.shape)}]";
}
