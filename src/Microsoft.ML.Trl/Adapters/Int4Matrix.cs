using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>4-bit weights with a scale for every 32 neighbouring inputs: GGUF's Q4_0, its scales in float32.</summary>
/// <param name="weights">[N, K / 2] bytes, in the layout of <see cref="Int4Kernel"/>.</param>
/// <param name="scales">[N, K / 32] float32.</param>
/// <param name="type">The type of the weights that it stands for.</param>
internal sealed class Int4Matrix(Tensor weights, Tensor scales, ScalarType type)
    : QuantizedMatrix(weights, scales, weights.size(1) * 2, type)
{
    private const int Half = Int4Kernel.GroupSize / 2;

    protected override int MostRows => SmallBatchKernel<byte>.IsSupported ? 64 : 0;

    /// <summary>Whether matrices of so many inputs can be held so.</summary>
    public static bool Fits(long inputs) => inputs % Int4Kernel.GroupSize == 0;

    /// <summary>Rounds a matrix.</summary>
    /// <param name="matrix">[N, K] of any floating type, K a multiple of 32; only read.</param>
    public static Int4Matrix Of(Tensor matrix)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        long outputs = matrix.size(0);
        Tensor blocks = matrix.detach().to_type(ScalarType.Float32).view(outputs, -1, Int4Kernel.GroupSize);
        Tensor largest = blocks.gather(2, blocks.abs().argmax(2, keepdim: true)); // with its sign: it becomes 0, the lowest
        Tensor scales = largest / -8;
        Tensor codes = (blocks / scales.masked_fill(scales.eq(0), 1) + 8.5).floor_().clamp_(0, 15).to_type(ScalarType.Byte);
        Tensor packed = codes.narrow(2, 0, Half) + (codes.narrow(2, Half, Half) * 16);
        return new Int4Matrix(packed.view(outputs, -1).contiguous(), scales.squeeze(2).contiguous(), matrix.dtype);
    }

    protected override Tensor Few(Tensor x, Tensor? bias) => SmallBatchProduct.Int4(x, Weights, Scales, bias);

    protected override Tensor Widened(Tensor weights, Tensor scales)
    {
        Tensor packed = weights.view(-1, Inputs / Int4Kernel.GroupSize, Half);
        Tensor codes = cat([packed.remainder(16), packed.div(16, RoundingMode.floor)], 2);
        return ((codes.to_type(ScalarType.Float32) - 8) * scales.unsqueeze(2)).view(-1, Inputs);
    }
}
