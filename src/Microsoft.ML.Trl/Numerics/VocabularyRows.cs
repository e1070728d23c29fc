using System.Numerics;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Softmax over one row of logits in plain memory: each number is read twice and written once, while it is in the cache.</summary>
internal static unsafe class VocabularyRows
{
    /// <summary>Sums over one row.</summary>
    /// <param name="Max">Largest logit.</param>
    /// <param name="Sum">Σ e with e = exp(logit - Max).</param>
    /// <param name="Weighted">Σ e · (logit - Max).</param>
    /// <param name="Squares">Σ e².</param>
    /// <param name="Shifted">Σ (logit - Max).</param>
    /// <param name="Label">The label's logit - Max.</param>
    public readonly record struct Sums(float Max, float Sum, float Weighted, float Squares, float Shifted, float Label)
    {
        public float LogProb => Label - MathF.Log(Sum);

        public float Entropy => MathF.Log(Sum) - (Weighted / Sum);

        public float Hit => Label == 0 ? 1 : 0;

        public float SquaredMass => Squares / Sum / Sum;

        public float MeanLogProb(int width) => (Shifted / width) - MathF.Log(Sum);
    }

    /// <summary>Replaces each logit by exp(logit - largest).</summary>
    public static Sums Exponentiate(float* row, int width, long label)
    {
        float max = Max(row, width);
        float atLabel = row[label] - max;
        int step = Vector<float>.Count, at = 0;
        Vector<float> most = new(max), sum = default, weighted = default, squares = default, shifted = default;
        for (; at <= width - step; at += step)
        {
            Vector<float> x = Vector.Load(row + at) - most;
            Vector<float> e = VectorMath.Exp(x);
            Vector.Store(e, row + at);
            sum += e;
            shifted += x;
            weighted = Vector.FusedMultiplyAdd(e, x, weighted);
            squares = Vector.FusedMultiplyAdd(e, e, squares);
        }
        float total = Vector.Sum(sum), totalWeighted = Vector.Sum(weighted), totalSquares = Vector.Sum(squares), totalShifted = Vector.Sum(shifted);
        for (; at < width; at++)
        {
            float x = row[at] - max, e = MathF.Exp(x);
            row[at] = e;
            total += e;
            totalShifted += x;
            totalWeighted += e * x;
            totalSquares += e * e;
        }
        return new Sums(max, total, totalWeighted, totalSquares, totalShifted, atLabel);
    }

    /// <summary>e ↦ factor · e + offset, and the label's place gets <paramref name="atLabel"/> on top.</summary>
    public static void ToGradient(float* row, int width, long label, float factor, float atLabel, float offset)
    {
        int step = Vector<float>.Count, at = 0;
        Vector<float> times = new(factor), plus = new(offset);
        for (; at <= width - step; at += step)
            Vector.Store(Vector.FusedMultiplyAdd(Vector.Load(row + at), times, plus), row + at);
        for (; at < width; at++)
            row[at] = (row[at] * factor) + offset;
        row[label] += atLabel;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Max(float* row, int width)
    {
        int step = Vector<float>.Count, at = 0;
        float max = row[0];
        if (width >= 4 * step)
        {
            Vector<float> a = Vector.Load(row), b = Vector.Load(row + step), c = Vector.Load(row + (2 * step)), d = Vector.Load(row + (3 * step));
            for (at = 4 * step; at <= width - (4 * step); at += 4 * step)
            {
                a = Vector.MaxNative(a, Vector.Load(row + at));
                b = Vector.MaxNative(b, Vector.Load(row + at + step));
                c = Vector.MaxNative(c, Vector.Load(row + at + (2 * step)));
                d = Vector.MaxNative(d, Vector.Load(row + at + (3 * step)));
            }
            Vector<float> all = Vector.MaxNative(Vector.MaxNative(a, b), Vector.MaxNative(c, d));
            for (int lane = 0; lane < step; lane++)
                max = MathF.Max(max, all[lane]);
        }
        for (; at < width; at++)
            max = MathF.Max(max, row[at]);
        return max;
    }
}
