using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>The rows of a matrix that is being quantized, some at a time, so that little of it is there in float32 besides.</summary>
internal static class MatrixParts
{
    private const long Elements = 1L << 20;

    /// <summary>Rows at once are a multiple of it: with any number of inputs the parts have whole blocks of so many weights.</summary>
    public const int BlockSize = 64;

    /// <summary>The rows in order; a part lives until the next one.</summary>
    /// <param name="matrix">[N, K] of any floating type and layout.</param>
    /// <param name="type">To which the weights are rounded first; null = as they are.</param>
    public static IEnumerable<(long From, Tensor Values)> Of(Tensor matrix, ScalarType? type)
    {
        (long outputs, long inputs) = (matrix.size(0), matrix.size(1));
        long rows = Math.Max(1, Elements / (Math.Max(1, inputs) * BlockSize)) * BlockSize;
        for (long from = 0; from < outputs; from += rows)
        {
            using Tensor part = matrix.narrow(0, from, Math.Min(rows, outputs - from)), plain = part.detach();
            using Tensor rounded = plain.to_type(type ?? plain.dtype), values = rounded.to_type(ScalarType.Float32);
            using Tensor dense = values.contiguous();
            yield return (from, dense);
        }
    }
}
