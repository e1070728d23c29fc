using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Trl.Models;

/// <summary>Attention of one query over cached keys and values that lie close together, for generation.</summary>
internal static unsafe class SingleQuery
{
    private const int Width = 16;

    /// <param name="query">[d].</param>
    /// <param name="keys">[count, d], contiguous.</param>
    /// <param name="values">[count, d], contiguous.</param>
    /// <param name="count">Keys that the query sees. At least 1.</param>
    /// <param name="width">d.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="scores">Room for <paramref name="count"/> numbers.</param>
    /// <param name="output">[d] receives the mixed values.</param>
    public static void Mix(float* query, float* keys, float* values, int count, int width, float scale, float* scores, float* output)
    {
        Span<float> line = new(scores, count);
        SkinnyRows.Run(query, 1, width, keys, scores, count, 0, count, add: false);
        TensorPrimitives.Multiply(line, scale, line);
        float sum = VectorExp.Shifted(scores, count, TensorPrimitives.Max(line));
        Sum(scores, values, count, width, 1 / sum, output);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(float* weights, float* values, int count, int width, float factor, float* output)
    {
        int column = 0;
        for (; column + (4 * Width) <= width; column += 4 * Width)
        {
            Vector512<float> a = default, b = default, c = default, d = default;
            float* line = values + column;
            for (int i = 0; i < count; i++, line += width)
            {
                Vector512<float> s = Vector512.Create(weights[i]);
                (a, b) = (Vector512.FusedMultiplyAdd(s, Vector512.Load(line), a), Vector512.FusedMultiplyAdd(s, Vector512.Load(line + Width), b));
                (c, d) = (Vector512.FusedMultiplyAdd(s, Vector512.Load(line + (2 * Width)), c), Vector512.FusedMultiplyAdd(s, Vector512.Load(line + (3 * Width)), d));
            }
            (a * factor).Store(output + column);
            (b * factor).Store(output + column + Width);
            (c * factor).Store(output + column + (2 * Width));
            (d * factor).Store(output + column + (3 * Width));
        }
        for (; column + Width <= width; column += Width)
        {
            Vector512<float> sum = default;
            for (int i = 0; i < count; i++)
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(weights[i]), Vector512.Load(values + ((nint)i * width) + column), sum);
            (sum * factor).Store(output + column);
        }
        for (; column < width; column++)
        {
            float sum = 0;
            for (int i = 0; i < count; i++)
                sum += weights[i] * values[((nint)i * width) + column];
            output[column] = sum * factor;
        }
    }
}
