using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// C = A·B or C += A·B for matrices that fit the cache, on one thread. A is read element by element and may have any strides;
/// rows of B and C are contiguous and padded to a multiple of <see cref="Width"/>.
/// </summary>
internal static unsafe class SmallMatMul
{
    /// <summary>Floats per vector; N must be a multiple of it.</summary>
    public const int Width = 16;

    private const int Tall = 4;

    /// <param name="a">Element (m, k) lies at a[m·aRow + k·aColumn].</param>
    /// <param name="aRow">Distance of rows of A.</param>
    /// <param name="aColumn">Distance of columns of A.</param>
    /// <param name="b">[K, N] with rows <paramref name="bRow"/> apart.</param>
    /// <param name="bRow">Distance of rows of B.</param>
    /// <param name="c">[M, N] with rows <paramref name="cRow"/> apart.</param>
    /// <param name="cRow">Distance of rows of C.</param>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Columns of B and C, a multiple of <see cref="Width"/>.</param>
    /// <param name="k">Columns of A, rows of B.</param>
    /// <param name="add">Whether C keeps what it holds.</param>
    public static void Run(float* a, nint aRow, nint aColumn, float* b, nint bRow, float* c, nint cRow, int m, int n, int k, bool add)
    {
        int row = 0;
        for (; row + Tall <= m; row += Tall)
        {
            int column = 0;
            for (; column + (4 * Width) <= n; column += 4 * Width)
                FourByFour(a + (row * aRow), aRow, aColumn, b + column, bRow, c + (row * cRow) + column, cRow, k, add);
            for (; column < n; column += Width)
                FourByOne(a + (row * aRow), aRow, aColumn, b + column, bRow, c + (row * cRow) + column, cRow, k, add);
        }
        for (; row < m; row++)
            for (int column = 0; column < n; column += Width)
                OneByOne(a + (row * aRow), aColumn, b + column, bRow, c + (row * cRow) + column, k, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByFour(float* a, nint aRow, nint aColumn, float* b, nint bRow, float* c, nint cRow, int k, bool add)
    {
        Vector512<float> c00 = default, c01 = default, c02 = default, c03 = default, c10 = default, c11 = default, c12 = default, c13 = default;
        Vector512<float> c20 = default, c21 = default, c22 = default, c23 = default, c30 = default, c31 = default, c32 = default, c33 = default;
        float* a1 = a + aRow;
        float* a2 = a1 + aRow;
        float* a3 = a2 + aRow;
        for (nint i = 0, offset = 0; i < k; i++, offset += aColumn, b += bRow)
        {
            Vector512<float> b0 = Vector512.Load(b), b1 = Vector512.Load(b + Width), b2 = Vector512.Load(b + (2 * Width)), b3 = Vector512.Load(b + (3 * Width));
            Vector512<float> x = Vector512.Create(a[offset]);
            (c00, c01, c02, c03) = (Vector512.FusedMultiplyAdd(x, b0, c00), Vector512.FusedMultiplyAdd(x, b1, c01), Vector512.FusedMultiplyAdd(x, b2, c02), Vector512.FusedMultiplyAdd(x, b3, c03));
            x = Vector512.Create(a1[offset]);
            (c10, c11, c12, c13) = (Vector512.FusedMultiplyAdd(x, b0, c10), Vector512.FusedMultiplyAdd(x, b1, c11), Vector512.FusedMultiplyAdd(x, b2, c12), Vector512.FusedMultiplyAdd(x, b3, c13));
            x = Vector512.Create(a2[offset]);
            (c20, c21, c22, c23) = (Vector512.FusedMultiplyAdd(x, b0, c20), Vector512.FusedMultiplyAdd(x, b1, c21), Vector512.FusedMultiplyAdd(x, b2, c22), Vector512.FusedMultiplyAdd(x, b3, c23));
            x = Vector512.Create(a3[offset]);
            (c30, c31, c32, c33) = (Vector512.FusedMultiplyAdd(x, b0, c30), Vector512.FusedMultiplyAdd(x, b1, c31), Vector512.FusedMultiplyAdd(x, b2, c32), Vector512.FusedMultiplyAdd(x, b3, c33));
        }
        Put(c, c00, c01, c02, c03, add);
        Put(c + cRow, c10, c11, c12, c13, add);
        Put(c + (2 * cRow), c20, c21, c22, c23, add);
        Put(c + (3 * cRow), c30, c31, c32, c33, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourByOne(float* a, nint aRow, nint aColumn, float* b, nint bRow, float* c, nint cRow, int k, bool add)
    {
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default;
        for (nint i = 0, offset = 0; i < k; i++, offset += aColumn, b += bRow)
        {
            Vector512<float> x = Vector512.Load(b);
            c0 = Vector512.FusedMultiplyAdd(Vector512.Create(a[offset]), x, c0);
            c1 = Vector512.FusedMultiplyAdd(Vector512.Create(a[aRow + offset]), x, c1);
            c2 = Vector512.FusedMultiplyAdd(Vector512.Create(a[(2 * aRow) + offset]), x, c2);
            c3 = Vector512.FusedMultiplyAdd(Vector512.Create(a[(3 * aRow) + offset]), x, c3);
        }
        Put(c, c0, add);
        Put(c + cRow, c1, add);
        Put(c + (2 * cRow), c2, add);
        Put(c + (3 * cRow), c3, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneByOne(float* a, nint aColumn, float* b, nint bRow, float* c, int k, bool add)
    {
        Vector512<float> sum = default;
        for (nint i = 0; i < k; i++)
            sum = Vector512.FusedMultiplyAdd(Vector512.Create(a[i * aColumn]), Vector512.Load(b + (i * bRow)), sum);
        Put(c, sum, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3, bool add)
    {
        Put(c, c0, add);
        Put(c + Width, c1, add);
        Put(c + (2 * Width), c2, add);
        Put(c + (3 * Width), c3, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, Vector512<float> value, bool add) => (add ? Vector512.Load(c) + value : value).Store(c);
}
