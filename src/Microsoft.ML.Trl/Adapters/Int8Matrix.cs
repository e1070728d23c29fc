using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>8-bit weights with a scale for each row: absmax quantization (arXiv:2208.07339, section 2.1), row by row.</summary>
/// <param name="weights">[N, K] int8.</param>
/// <param name="scales">[N] float32.</param>
/// <param name="type">The type of the weights that it stands for.</param>
internal sealed class Int8Matrix(Tensor weights, Tensor scales, ScalarType type)
    : QuantizedMatrix(weights, scales, weights.size(1), type)
{
    private const double Largest = 127;
    private const int RowsAtOnce = 128; // more would not stay near the processor while the weights pass by

    protected override int MostRows => SmallBatchKernel<sbyte>.IsSupported ? int.MaxValue : WeightOnly.Fits(Inputs) ? 16 : 0;

    /// <summary>Rounds a matrix.</summary>
    /// <param name="matrix">[N, K] of any floating type; only read.</param>
    public static Int8Matrix Of(Tensor matrix)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor values = matrix.detach().to_type(ScalarType.Float32), scales = values.abs().amax([1]) / Largest;
        scales = scales.masked_fill(scales.eq(0), 1);
        Tensor weights = (values / scales.unsqueeze(1)).round_().clamp_(-Largest, Largest).to_type(ScalarType.Int8);
        return new Int8Matrix(weights.contiguous(), scales, matrix.dtype);
    }

    protected override Tensor Few(Tensor x, Tensor? bias)
    {
        if (SmallBatchKernel<sbyte>.IsSupported)
            return x.size(0) <= RowsAtOnce
                ? SmallBatchProduct.Int8(x, Weights, Scales, bias)
                : cat([.. x.split(RowsAtOnce).Select(rows => SmallBatchProduct.Int8(rows, Weights, Scales, bias))]);
        // libtorch's product is fast in bfloat16 only
        Tensor y = WeightOnly.Int8(x.to_type(ScalarType.BFloat16), Weights, Scales.to_type(ScalarType.BFloat16));
        return bias is null ? y.to_type(ScalarType.Float32) : y.to_type(ScalarType.Float32).add_(bias);
    }

    protected override Tensor Widened(Tensor weights, Tensor scales) =>
        weights.to_type(ScalarType.Float32).mul_(scales.unsqueeze(1));
}
