using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>4-bit weights with a scale for every 32 neighbouring inputs: GGUF's Q4_0, its scales in float32.</summary>
/// <param name="weights">[N, K / 2] bytes, in the layout of <see cref="Int4Kernel"/>.</param>
/// <param name="scales">[N, K / 32] float32.</param>
/// <param name="type">The type of the weights that it stands for.</param>
internal sealed class Int4Matrix(Tensor weights, Tensor scales, ScalarType type)
    : QuantizedMatrix(weights.size(0), weights.size(1) * 2, type, ("", weights), ("scales", scales))
{
    private const int Half = Int4Kernel.GroupSize / 2;

    public override WeightQuantization Kind => WeightQuantization.Int4;

    protected override int MostRows => SmallBatchKernel<byte>.IsSupported ? 64 : 0;

    /// <summary>Whether matrices of so many inputs can be held so.</summary>
    public static bool Fits(long inputs) => inputs % Int4Kernel.GroupSize == 0;

    /// <summary>Rounds a matrix.</summary>
    /// <param name="matrix">[N, K] of any floating type, K a multiple of 32; only read.</param>
    public static Int4Matrix Of(Tensor matrix) => Of(MatrixRows.Of(matrix));

    /// <summary>The same, some rows at a time.</summary>
    public static Int4Matrix Of(MatrixRows matrix)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        (long outputs, long inputs) = (matrix.Outputs, matrix.Inputs);
        Tensor weights = empty(outputs, inputs / 2, ScalarType.Byte);
        Tensor scales = empty(outputs, inputs / Int4Kernel.GroupSize, ScalarType.Float32);
        foreach ((long from, Tensor values) in matrix.Values())
            using (NewDisposeScope())
            {
                Tensor blocks = values.view(values.size(0), -1, Int4Kernel.GroupSize);
                Tensor largest = blocks.gather(2, blocks.abs().argmax(2, keepdim: true)); // with its sign: it becomes 0, the lowest
                Tensor factors = largest / -8;
                Tensor codes = (blocks / factors.masked_fill(factors.eq(0), 1) + 8.5).floor_().clamp_(0, 15).to_type(ScalarType.Byte);
                Tensor packed = codes.narrow(2, 0, Half) + (codes.narrow(2, Half, Half) * 16);
                weights.narrow(0, from, values.size(0)).copy_(packed.view(values.size(0), -1));
                scales.narrow(0, from, values.size(0)).copy_(factors.squeeze(2));
            }
        return new Int4Matrix(weights, scales, matrix.Type);
    }

    protected override QuantizedMatrix Of(Tensor[] parts, ScalarType type) => new Int4Matrix(parts[0], parts[1], type);

    protected override Tensor Few(Tensor x, Tensor? bias) => SmallBatchProduct.Int4(x, weights, scales, bias);

    protected override void Widen(long from, long count, Tensor into) =>
        into.copy_(Widened(weights.narrow(0, from, count), scales.narrow(0, from, count)));

    protected override Tensor Widened(Tensor indices) => Widened(weights.index_select(0, indices), scales.index_select(0, indices));

    private Tensor Widened(Tensor codes, Tensor factors)
    {
        Tensor packed = codes.view(-1, Inputs / Int4Kernel.GroupSize, Half);
        Tensor pairs = cat([packed.remainder(16), packed.div(16, RoundingMode.floor)], 2);
        return ((pairs.to_type(ScalarType.Float32) - 8) * factors.unsqueeze(2)).view(-1, Inputs);
    }
}
