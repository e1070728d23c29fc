using System.Numerics;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>A matrix that is being quantized, some rows at a time, so that little of it is there in a wider form besides.</summary>
/// <param name="outputs">N.</param>
/// <param name="inputs">K.</param>
/// <param name="type">The type of the weights that the result stands for, to which they are rounded first.</param>
/// <param name="parts">The rows, <see cref="AtOnce"/> at a time, each with the number of its first.</param>
internal sealed class MatrixRows(long outputs, long inputs, ScalarType type, IEnumerable<(long From, Tensor Rows)> parts)
{
    private const long Elements = 1L << 17; // few, since the heap does not use all gaps again that such buffers leave
    private const int BlockSize = 64;

    /// <summary>N.</summary>
    public long Outputs => outputs;

    /// <summary>K.</summary>
    public long Inputs => inputs;

    /// <summary>The type of the weights that the result stands for.</summary>
    public ScalarType Type => type;

    /// <summary>Rows at once: so many that the parts have whole blocks of 64 weights, whatever the number of inputs.</summary>
    public static long AtOnce(long inputs)
    {
        long unit = BlockSize / (long)BigInteger.GreatestCommonDivisor(BlockSize, inputs);
        return Math.Max(1, Elements / (Math.Max(1, inputs) * unit)) * unit;
    }

    /// <summary>Those of a tensor.</summary>
    /// <param name="matrix">[N, K] of any floating type and layout; only read.</param>
    /// <param name="type">The type of the weights that the result stands for; null = the matrix's.</param>
    public static MatrixRows Of(Tensor matrix, ScalarType? type = null) =>
        new(matrix.size(0), matrix.size(1), type ?? matrix.dtype, Split(matrix));

    /// <summary>The numbers in order: [n, K] float32, dense. A part lives until the next one.</summary>
    public IEnumerable<(long From, Tensor Values)> Values()
    {
        foreach ((long from, Tensor rows) in parts)
        {
            using Tensor plain = rows.detach(), rounded = plain.to_type(type), wide = rounded.to_type(ScalarType.Float32);
            using Tensor dense = wide.contiguous();
            yield return (from, dense);
        }
    }

    private static IEnumerable<(long From, Tensor Rows)> Split(Tensor matrix)
    {
        long rows = matrix.size(0), atOnce = AtOnce(matrix.size(1));
        for (long from = 0; from < rows; from += atOnce)
        {
            using Tensor part = matrix.narrow(0, from, Math.Min(atOnce, rows - from));
            yield return (from, part);
        }
    }
}
