using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Trl.Models;

/// <summary>Y = X·Wᵀ for few rows of X, W lying [output, input] as in LLaMA and in vocabulary projections. W comes from memory once, for all rows.</summary>
internal static unsafe class SkinnyRows
{
    private const int Width = 16;

    /// <param name="x">[rows, inputs], contiguous.</param>
    /// <param name="rows">Rows of X and Y.</param>
    /// <param name="inputs">Columns of X and W.</param>
    /// <param name="w">[outputs, inputs], contiguous.</param>
    /// <param name="y">[rows, outputs], rows <paramref name="yRow"/> apart.</param>
    /// <param name="yRow">Distance of rows of Y.</param>
    /// <param name="from">First output worked on.</param>
    /// <param name="to">End of the outputs worked on.</param>
    /// <param name="add">Whether Y keeps what it holds.</param>
    public static void Run(float* x, int rows, int inputs, float* w, float* y, nint yRow, int from, int to, bool add)
    {
        nint ahead = (Ahead.Distance + (2 * (nint)inputs) - 1) / (2 * (nint)inputs) * (2 * (nint)inputs);
        int output = from;
        for (; output + 2 <= to; output += 2)
        {
            float* line = w + ((nint)output * inputs);
            Ahead.Fetch(line + ahead, 2 * inputs);
            int row = 0;
            for (; row + 8 <= rows; row += 8)
                EightByTwo(x + ((nint)row * inputs), inputs, line, y + (row * yRow) + output, yRow, add);
            for (; row + 4 <= rows; row += 4)
                FourByTwo(x + ((nint)row * inputs), inputs, line, y + (row * yRow) + output, yRow, add);
            for (; row < rows; row++)
                OneByTwo(x + ((nint)row * inputs), inputs, line, y + (row * yRow) + output, add);
        }
        for (; output < to; output++)
            for (int row = 0; row < rows; row++)
                Put(y + (row * yRow) + output, Tail(x + ((nint)row * inputs), w + ((nint)output * inputs), 0, inputs), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightByTwo(float* x, nint k, float* w, float* y, nint n, bool add)
    {
        Vector512<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        Vector512<float> e0 = default, e1 = default, f0 = default, f1 = default, g0 = default, g1 = default, h0 = default, h1 = default;
        float* x4 = x + (4 * k);
        nint i = 0;
        for (; i + Width <= k; i += Width)
        {
            Vector512<float> w0 = Vector512.Load(w + i), w1 = Vector512.Load(w + k + i), s = Vector512.Load(x + i);
            (a0, a1, s) = (Vector512.FusedMultiplyAdd(s, w0, a0), Vector512.FusedMultiplyAdd(s, w1, a1), Vector512.Load(x + k + i));
            (b0, b1, s) = (Vector512.FusedMultiplyAdd(s, w0, b0), Vector512.FusedMultiplyAdd(s, w1, b1), Vector512.Load(x + (2 * k) + i));
            (c0, c1, s) = (Vector512.FusedMultiplyAdd(s, w0, c0), Vector512.FusedMultiplyAdd(s, w1, c1), Vector512.Load(x + (3 * k) + i));
            (d0, d1, s) = (Vector512.FusedMultiplyAdd(s, w0, d0), Vector512.FusedMultiplyAdd(s, w1, d1), Vector512.Load(x4 + i));
            (e0, e1, s) = (Vector512.FusedMultiplyAdd(s, w0, e0), Vector512.FusedMultiplyAdd(s, w1, e1), Vector512.Load(x4 + k + i));
            (f0, f1, s) = (Vector512.FusedMultiplyAdd(s, w0, f0), Vector512.FusedMultiplyAdd(s, w1, f1), Vector512.Load(x4 + (2 * k) + i));
            (g0, g1, s) = (Vector512.FusedMultiplyAdd(s, w0, g0), Vector512.FusedMultiplyAdd(s, w1, g1), Vector512.Load(x4 + (3 * k) + i));
            (h0, h1) = (Vector512.FusedMultiplyAdd(s, w0, h0), Vector512.FusedMultiplyAdd(s, w1, h1));
        }
        Put(y, a0, a1, x, w, i, k, add);
        Put(y + n, b0, b1, x + k, w, i, k, add);
        Put(y + (2 * n), c0, c1, x + (2 * k), w, i, k, add);
        Put(y + (3 * n), d0, d1, x + (3 * k), w, i, k, add);
        Put(y + (4 * n), e0, e1, x4, w, i, k, add);
        Put(y + (5 * n), f0, f1, x4 + k, w, i, k, add);
        Put(y + (6 * n), g0, g1, x4 + (2 * k), w, i, k, add);
        Put(y + (7 * n), h0, h1, x4 + (3 * k), w, i, k, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByTwo(float* x, nint k, float* w, float* y, nint n, bool add)
    {
        Vector512<float> a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        nint i = 0;
        for (; i + Width <= k; i += Width)
        {
            Vector512<float> w0 = Vector512.Load(w + i), w1 = Vector512.Load(w + k + i), s = Vector512.Load(x + i);
            (a0, a1, s) = (Vector512.FusedMultiplyAdd(s, w0, a0), Vector512.FusedMultiplyAdd(s, w1, a1), Vector512.Load(x + k + i));
            (b0, b1, s) = (Vector512.FusedMultiplyAdd(s, w0, b0), Vector512.FusedMultiplyAdd(s, w1, b1), Vector512.Load(x + (2 * k) + i));
            (c0, c1, s) = (Vector512.FusedMultiplyAdd(s, w0, c0), Vector512.FusedMultiplyAdd(s, w1, c1), Vector512.Load(x + (3 * k) + i));
            (d0, d1) = (Vector512.FusedMultiplyAdd(s, w0, d0), Vector512.FusedMultiplyAdd(s, w1, d1));
        }
        Put(y, a0, a1, x, w, i, k, add);
        Put(y + n, b0, b1, x + k, w, i, k, add);
        Put(y + (2 * n), c0, c1, x + (2 * k), w, i, k, add);
        Put(y + (3 * n), d0, d1, x + (3 * k), w, i, k, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByTwo(float* x, nint k, float* w, float* y, bool add)
    {
        Vector512<float> a0 = default, a1 = default, b0 = default, b1 = default;
        nint i = 0;
        for (; i + (2 * Width) <= k; i += 2 * Width)
        {
            Vector512<float> s = Vector512.Load(x + i), t = Vector512.Load(x + i + Width);
            (a0, a1) = (Vector512.FusedMultiplyAdd(s, Vector512.Load(w + i), a0), Vector512.FusedMultiplyAdd(s, Vector512.Load(w + k + i), a1));
            (b0, b1) = (Vector512.FusedMultiplyAdd(t, Vector512.Load(w + i + Width), b0), Vector512.FusedMultiplyAdd(t, Vector512.Load(w + k + i + Width), b1));
        }
        Put(y, a0 + b0, a1 + b1, x, w, i, k, add);
    }

    /// <summary>Two neighbouring outputs of one row, with the inputs that filled no vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* y, Vector512<float> first, Vector512<float> second, float* x, float* w, nint done, nint k, bool add)
    {
        Put(y, Vector512.Sum(first) + Tail(x, w, done, k), add);
        Put(y + 1, Vector512.Sum(second) + Tail(x, w + k, done, k), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* y, float value, bool add) => *y = add ? *y + value : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Tail(float* x, float* w, nint from, nint to)
    {
        float sum = 0;
        for (nint i = from; i < to; i++)
            sum += x[i] * w[i];
        return sum;
    }
}
