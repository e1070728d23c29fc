using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Y += X·W for few rows of X, W lying [input, output] as in GPT-2. W comes from memory once, for all rows; a library for large matrices
/// would first rearrange it, which costs more than the product.
/// </summary>
internal static unsafe class SkinnyColumns
{
    private const int Width = 16;
    private const int Deep = 16;   // rows of W taken at a time
    private const int Wide = 256;  // columns of W taken at a time; with the above 16 kB, which the nearest cache holds

    /// <param name="x">[rows, inputs], contiguous.</param>
    /// <param name="rows">Rows of X and Y.</param>
    /// <param name="inputs">Columns of X.</param>
    /// <param name="w">[inputs, outputs], contiguous.</param>
    /// <param name="y">[rows, outputs], contiguous; added to.</param>
    /// <param name="outputs">Columns of W and Y.</param>
    /// <param name="from">First column worked on.</param>
    /// <param name="to">End of the columns worked on.</param>
    public static void Add(float* x, int rows, int inputs, float* w, float* y, int outputs, int from, int to)
    {
        for (int deep = 0; deep < inputs; deep += Deep)
        {
            int count = Math.Min(Deep, inputs - deep);
            float* block = w + ((nint)deep * outputs);
            for (int left = from; left < to; left += Wide)
            {
                int right = Math.Min(left + Wide, to);
                int row = 0;
                for (; row + 8 <= rows; row += 8)
                    Eight(x + ((nint)row * inputs) + deep, inputs, block, y + ((nint)row * outputs), outputs, count, left, right);
                for (; row + 4 <= rows; row += 4)
                    Four(x + ((nint)row * inputs) + deep, inputs, block, y + ((nint)row * outputs), outputs, count, left, right);
                for (; row < rows; row++)
                    One(x + ((nint)row * inputs) + deep, block, y + ((nint)row * outputs), outputs, count, left, right);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight(float* x, nint xRow, float* w, float* y, nint n, int count, int from, int to)
    {
        float* x4 = x + (4 * xRow);
        float* y4 = y + (4 * n);
        int column = from;
        for (; column + (2 * Width) <= to; column += 2 * Width)
        {
            float* a = y + column;
            float* e = y4 + column;
            Vector512<float> a0 = Vector512.Load(a), a1 = Vector512.Load(a + Width), b0 = Vector512.Load(a + n), b1 = Vector512.Load(a + n + Width);
            Vector512<float> c0 = Vector512.Load(a + (2 * n)), c1 = Vector512.Load(a + (2 * n) + Width), d0 = Vector512.Load(a + (3 * n)), d1 = Vector512.Load(a + (3 * n) + Width);
            Vector512<float> e0 = Vector512.Load(e), e1 = Vector512.Load(e + Width), f0 = Vector512.Load(e + n), f1 = Vector512.Load(e + n + Width);
            Vector512<float> g0 = Vector512.Load(e + (2 * n)), g1 = Vector512.Load(e + (2 * n) + Width), h0 = Vector512.Load(e + (3 * n)), h1 = Vector512.Load(e + (3 * n) + Width);
            float* line = w + column;
            for (nint k = 0; k < count; k++, line += n)
            {
                Vector512<float> w0 = Vector512.Load(line), w1 = Vector512.Load(line + Width), s = Vector512.Create(x[k]);
                (a0, a1, s) = (Vector512.FusedMultiplyAdd(s, w0, a0), Vector512.FusedMultiplyAdd(s, w1, a1), Vector512.Create(x[xRow + k]));
                (b0, b1, s) = (Vector512.FusedMultiplyAdd(s, w0, b0), Vector512.FusedMultiplyAdd(s, w1, b1), Vector512.Create(x[(2 * xRow) + k]));
                (c0, c1, s) = (Vector512.FusedMultiplyAdd(s, w0, c0), Vector512.FusedMultiplyAdd(s, w1, c1), Vector512.Create(x[(3 * xRow) + k]));
                (d0, d1, s) = (Vector512.FusedMultiplyAdd(s, w0, d0), Vector512.FusedMultiplyAdd(s, w1, d1), Vector512.Create(x4[k]));
                (e0, e1, s) = (Vector512.FusedMultiplyAdd(s, w0, e0), Vector512.FusedMultiplyAdd(s, w1, e1), Vector512.Create(x4[xRow + k]));
                (f0, f1, s) = (Vector512.FusedMultiplyAdd(s, w0, f0), Vector512.FusedMultiplyAdd(s, w1, f1), Vector512.Create(x4[(2 * xRow) + k]));
                (g0, g1, s) = (Vector512.FusedMultiplyAdd(s, w0, g0), Vector512.FusedMultiplyAdd(s, w1, g1), Vector512.Create(x4[(3 * xRow) + k]));
                (h0, h1) = (Vector512.FusedMultiplyAdd(s, w0, h0), Vector512.FusedMultiplyAdd(s, w1, h1));
            }
            Store(a, n, a0, a1, b0, b1, c0, c1, d0, d1);
            Store(e, n, e0, e1, f0, f1, g0, g1, h0, h1);
        }
        for (int row = 0; row < 8 && column < to; row++)
            Rest(x + (row * xRow), w, y + (row * n), n, count, column, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(float* x, nint xRow, float* w, float* y, nint n, int count, int from, int to)
    {
        int column = from;
        for (; column + (2 * Width) <= to; column += 2 * Width)
        {
            float* a = y + column;
            Vector512<float> a0 = Vector512.Load(a), a1 = Vector512.Load(a + Width), b0 = Vector512.Load(a + n), b1 = Vector512.Load(a + n + Width);
            Vector512<float> c0 = Vector512.Load(a + (2 * n)), c1 = Vector512.Load(a + (2 * n) + Width), d0 = Vector512.Load(a + (3 * n)), d1 = Vector512.Load(a + (3 * n) + Width);
            float* line = w + column;
            for (nint k = 0; k < count; k++, line += n)
            {
                Vector512<float> w0 = Vector512.Load(line), w1 = Vector512.Load(line + Width), s = Vector512.Create(x[k]);
                (a0, a1, s) = (Vector512.FusedMultiplyAdd(s, w0, a0), Vector512.FusedMultiplyAdd(s, w1, a1), Vector512.Create(x[xRow + k]));
                (b0, b1, s) = (Vector512.FusedMultiplyAdd(s, w0, b0), Vector512.FusedMultiplyAdd(s, w1, b1), Vector512.Create(x[(2 * xRow) + k]));
                (c0, c1, s) = (Vector512.FusedMultiplyAdd(s, w0, c0), Vector512.FusedMultiplyAdd(s, w1, c1), Vector512.Create(x[(3 * xRow) + k]));
                (d0, d1) = (Vector512.FusedMultiplyAdd(s, w0, d0), Vector512.FusedMultiplyAdd(s, w1, d1));
            }
            Store(a, n, a0, a1, b0, b1, c0, c1, d0, d1);
        }
        for (int row = 0; row < 4 && column < to; row++)
            Rest(x + (row * xRow), w, y + (row * n), n, count, column, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* x, float* w, float* y, nint n, int count, int from, int to)
    {
        int column = from;
        for (; column + (4 * Width) <= to; column += 4 * Width)
        {
            float* a = y + column;
            Vector512<float> a0 = Vector512.Load(a), a1 = Vector512.Load(a + Width), a2 = Vector512.Load(a + (2 * Width)), a3 = Vector512.Load(a + (3 * Width));
            float* line = w + column;
            for (nint k = 0; k < count; k++, line += n)
            {
                Vector512<float> s = Vector512.Create(x[k]);
                (a0, a1) = (Vector512.FusedMultiplyAdd(s, Vector512.Load(line), a0), Vector512.FusedMultiplyAdd(s, Vector512.Load(line + Width), a1));
                (a2, a3) = (Vector512.FusedMultiplyAdd(s, Vector512.Load(line + (2 * Width)), a2), Vector512.FusedMultiplyAdd(s, Vector512.Load(line + (3 * Width)), a3));
            }
            a0.Store(a);
            a1.Store(a + Width);
            a2.Store(a + (2 * Width));
            a3.Store(a + (3 * Width));
        }
        Rest(x, w, y, n, count, column, to);
    }

    /// <summary>Columns that fill no tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rest(float* x, float* w, float* y, nint n, int count, int column, int to)
    {
        for (; column + Width <= to; column += Width)
        {
            Vector512<float> sum = Vector512.Load(y + column);
            for (nint k = 0; k < count; k++)
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(x[k]), Vector512.Load(w + (k * n) + column), sum);
            sum.Store(y + column);
        }
        for (; column < to; column++)
            for (nint k = 0; k < count; k++)
                y[column] += x[k] * w[(k * n) + column];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(
        float* y, nint n, Vector512<float> a0, Vector512<float> a1, Vector512<float> b0, Vector512<float> b1, Vector512<float> c0, Vector512<float> c1, Vector512<float> d0, Vector512<float> d1)
    {
        a0.Store(y);
        a1.Store(y + Width);
        b0.Store(y + n);
        b1.Store(y + n + Width);
        c0.Store(y + (2 * n));
        c1.Store(y + (2 * n) + Width);
        d0.Store(y + (3 * n));
        d1.Store(y + (3 * n) + Width);
    }
}
