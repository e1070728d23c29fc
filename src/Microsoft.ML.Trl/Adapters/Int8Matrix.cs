using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>8-bit weights with a scale for each row: absmax quantization (arXiv:2208.07339, section 2.1), row by row.</summary>
/// <param name="weights">[N, K] int8.</param>
/// <param name="scales">[N] float32.</param>
/// <param name="type">The type of the weights that it stands for.</param>
internal sealed class Int8Matrix(Tensor weights, Tensor scales, ScalarType type)
    : QuantizedMatrix(weights.size(0), weights.size(1), type, ("", weights), ("scales", scales))
{
    private const double Largest = 127;
    private const int RowsAtOnce = 128; // more would not stay near the processor while the weights pass by

    public override WeightQuantization Kind => WeightQuantization.Int8;

    protected override int MostRows => SmallBatchKernel<sbyte>.IsSupported ? int.MaxValue : WeightOnly.Fits(Inputs) ? 16 : 0;

    /// <summary>Rounds a matrix.</summary>
    /// <param name="matrix">[N, K] of any floating type; only read.</param>
    public static Int8Matrix Of(Tensor matrix) => Of(MatrixRows.Of(matrix));

    /// <summary>The same, some rows at a time.</summary>
    public static Int8Matrix Of(MatrixRows matrix)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor weights = empty(matrix.Outputs, matrix.Inputs, ScalarType.Int8), scales = empty(matrix.Outputs, ScalarType.Float32);
        foreach ((long from, Tensor values) in matrix.Values())
            using (NewDisposeScope())
            {
                Tensor factors = values.abs().amax([1]).div_(Largest);
                factors.masked_fill_(factors.eq(0), 1);
                scales.narrow(0, from, values.size(0)).copy_(factors);
                weights.narrow(0, from, values.size(0)).copy_(values.div(factors.unsqueeze(1)).round_().clamp_(-Largest, Largest));
            }
        return new Int8Matrix(weights, scales, matrix.Type);
    }

    protected override QuantizedMatrix Of(Tensor[] parts, ScalarType type) => new Int8Matrix(parts[0], parts[1], type);

    protected override Tensor Few(Tensor x, Tensor? bias)
    {
        if (SmallBatchKernel<sbyte>.IsSupported)
            return x.size(0) <= RowsAtOnce
                ? SmallBatchProduct.Int8(x, weights, scales, bias)
                : cat([.. x.split(RowsAtOnce).Select(rows => SmallBatchProduct.Int8(rows, weights, scales, bias))]);
        // libtorch's product is fast in bfloat16 only
        Tensor y = WeightOnly.Int8(x.to_type(ScalarType.BFloat16), weights, scales.to_type(ScalarType.BFloat16));
        return bias is null ? y.to_type(ScalarType.Float32) : y.to_type(ScalarType.Float32).add_(bias);
    }

    protected override void Widen(long from, long count, Tensor into) =>
        into.copy_(weights.narrow(0, from, count)).mul_(scales.narrow(0, from, count).unsqueeze(1));

    protected override Tensor Widened(Tensor indices) =>
        weights.index_select(0, indices).to_type(ScalarType.Float32).mul_(scales.index_select(0, indices).unsqueeze(1));
}
