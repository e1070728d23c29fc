using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>8-bit weights with a scale for each row: absmax quantization (arXiv:2208.07339, section 2.1), row by row.</summary>
internal sealed class Int8Matrix : QuantizedMatrix
{
    private const double Largest = 127;
    private const int RowsAtOnce = 128; // more would not stay near the processor while the weights pass by

    private readonly Tensor _weights; // [N, K] int8
    private readonly Tensor _scales;  // [N] float32

    private Int8Matrix(Tensor weights, Tensor scales, ScalarType type) : base(weights.size(0), weights.size(1), type) =>
        (_weights, _scales) = (weights.DetachFromDisposeScope(), scales.DetachFromDisposeScope());

    public override bool IsDisposed => _weights.IsInvalid;

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

    public override void Dispose()
    {
        _weights.Dispose();
        _scales.Dispose();
    }

    protected override Tensor Few(Tensor x, Tensor? bias)
    {
        if (SmallBatchKernel<sbyte>.IsSupported)
            return x.size(0) <= RowsAtOnce
                ? SmallBatchProduct.Int8(x, _weights, _scales, bias)
                : cat([.. x.split(RowsAtOnce).Select(rows => SmallBatchProduct.Int8(rows, _weights, _scales, bias))]);
        // libtorch's product is fast in bfloat16 only
        Tensor y = WeightOnly.Int8(x.to_type(ScalarType.BFloat16), _weights, _scales.to_type(ScalarType.BFloat16));
        return bias is null ? y.to_type(ScalarType.Float32) : y.to_type(ScalarType.Float32).add_(bias);
    }

    protected override Tensor Widened(Tensor? indices)
    {
        Tensor Of(Tensor all) => indices is null ? all : all.index_select(0, indices);
        return Of(_weights).to_type(ScalarType.Float32).mul_(Of(_scales).unsqueeze(1));
    }
}
