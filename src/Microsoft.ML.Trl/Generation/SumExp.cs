using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Sums of exponentials over a vocabulary: blocks in single, their sums in double precision.</summary>
internal static class SumExp
{
    /// <summary>Numbers per block.</summary>
    public const int Block = 1024;

    /// <summary>Every score becomes exp(score - largest).</summary>
    /// <returns>The logarithm of Σ exp(score).</returns>
    /// <exception cref="InvalidOperationException">The largest score is not a finite number.</exception>
    public static double InPlace(Span<float> scores)
    {
        float top = TensorPrimitives.Max(scores);
        if (!float.IsFinite(top))
            throw new InvalidOperationException($"The largest logit of the next token is {top}; the weights are damaged or have diverged.");
        double sum = 0;
        for (int start = 0; start < scores.Length; start += Block)
            sum += Exponentiate(scores.Slice(start, Math.Min(Block, scores.Length - start)), top);
        return top + Math.Log(sum);
    }

    private static unsafe float Exponentiate(Span<float> block, float shift)
    {
        fixed (float* pinned = block)
            return VectorExp.Shifted(pinned, block.Length, shift);
    }
}
