using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Products of few rows with a large matrix, in 512-bit vectors of float32. The matrix comes from memory once, asked for in time, and is
/// used for all rows; each result is one chain of multiply-adds in the order of the inputs, whatever stands beside it: neither the number
/// of rows nor of threads changes a bit.
/// </summary>
/// <typeparam name="TWeight">
/// How the matrix is stored: float, ushort for the bits of a bfloat16, or sbyte for whole numbers with a scale for each output.
/// </typeparam>
internal static unsafe class SmallBatchKernel<TWeight> where TWeight : unmanaged
{
    private const int Width = 16;   // floats of a vector
    private const int Depth = 32;   // inputs of an [input, output] matrix taken at a time
    private const int Panel = 4096; // outputs of such a matrix taken at a time: whole pages of W, results in the second cache

    /// <summary>Outputs of an [output, input] matrix taken at a time; a matrix has at least so many.</summary>
    public const int Group = 4;

    /// <summary>Outputs of an [input, output] matrix taken at a time: parts of the work begin at multiples of it.</summary>
    public const int Strip = 4 * Width;

    /// <summary>Whether the processor has 512-bit vectors; Vector512.IsHardwareAccelerated denies early ones, where they pay too.</summary>
    public static bool IsSupported => Avx512F.IsSupported;

    /// <summary>The operands of one product.</summary>
    /// <param name="X">[rows, inputs] float32.</param>
    /// <param name="Rows">Rows of X and Y.</param>
    /// <param name="Inputs">Columns of X.</param>
    /// <param name="W">[outputs, inputs] or [inputs, outputs].</param>
    /// <param name="Bias">[outputs] float32, or null.</param>
    /// <param name="Y">[rows, outputs] float32, written.</param>
    /// <param name="Outputs">Columns of Y.</param>
    /// <param name="Scales">[outputs] float32, factors of the products; or null. For matrices that lie [outputs, inputs].</param>
    public readonly record struct Operands(nint X, int Rows, int Inputs, nint W, nint Bias, nint Y, int Outputs, nint Scales = 0)
    {
        public float* Row(int row) => (float*)X + ((nint)row * Inputs);

        public float* Result(int row, int output) => (float*)Y + ((nint)row * Outputs) + output;
    }

    /// <summary>
    /// Y = X·Wᵀ + bias, W lying [outputs, inputs]; outputs [from, to), at least <see cref="Group"/> of them before <paramref name="to"/>.
    /// </summary>
    public static void OutputMajor(in Operands product, int from, int to)
    {
        for (int output = from; output < to; output += Group)
        {
            int first = Math.Min(output, to - Group); // the last group reaches back over results that it finds again
            TWeight* w = (TWeight*)product.W + ((nint)first * product.Inputs);
            Vector128<float> bias = product.Bias == 0 ? default : Vector128.Load((float*)product.Bias + first);
            Vector128<float> scale = product.Scales == 0 ? Vector128<float>.One : Vector128.Load((float*)product.Scales + first);
            nint ahead = (nint)Group * product.Inputs; // the rows of W that come next
            int row = 0;
            for (; row + 4 <= product.Rows; row += 4, ahead = 0)
                FourDots(product.Row(row), product.Inputs, w, ahead, bias, scale, product.Result(row, first), product.Outputs);
            for (; row < product.Rows; row++, ahead = 0)
                OneDot(product.Row(row), product.Inputs, w, ahead, bias, scale, product.Result(row, first));
        }
    }

    /// <summary>
    /// Y = X·W + bias, W lying [inputs, outputs]; outputs [from, to), <paramref name="from"/> a multiple of <see cref="Strip"/>.
    /// </summary>
    public static void InputMajor(in Operands product, int from, int to)
    {
        for (int left = from; left < to; left += Panel)
        {
            int right = Math.Min(left + Panel, to);
            for (int row = 0; row < product.Rows; row++)
            {
                var results = new Span<float>(product.Result(row, left), right - left);
                if (product.Bias == 0)
                    results.Clear();
                else
                    new ReadOnlySpan<float>((float*)product.Bias + left, results.Length).CopyTo(results);
            }
            for (int input = 0; input < product.Inputs; input += Depth)
                AddBlock(product, input, Math.Min(Depth, product.Inputs - input), left, right);
        }
    }

    private static void AddBlock(in Operands product, int input, int depth, int left, int right)
    {
        nint n = product.Outputs;
        for (int output = left; output < right; output += Strip)
        {
            TWeight* w = (TWeight*)product.W + (input * n) + output;
            nint next = output + (2 * Strip) - right; // past the end: the first outputs of the inputs that come next
            nint ahead = next < 0 ? 2 * Strip : (Depth * n) + next + left - output;
            int row = 0, count = Math.Min(Strip, right - output);
            for (; count == Strip && row + 4 <= product.Rows; row += 4, ahead = 0)
                FourStrips(product.Row(row) + input, product.Inputs, w, n, ahead, depth, product.Result(row, output));
            for (; row < product.Rows; row++, ahead = 0)
                if (count == Strip)
                    OneStrip(product.Row(row) + input, w, n, ahead, depth, product.Result(row, output));
                else
                    PartOfStrip(product.Row(row) + input, w, n, depth, product.Result(row, output), count);
        }
    }

    /// <summary>Four rows of X with four rows of W.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourDots(
        float* x, nint k, TWeight* w, nint ahead, Vector128<float> bias, Vector128<float> scale, float* y, nint n)
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        TWeight* w1 = w + k, w2 = w1 + k, w3 = w2 + k;
        float* x1 = x + k, x2 = x1 + k, x3 = x2 + k;
        nint i = 0;
        for (; i + Width <= k; i += Width)
        {
            Prefetch(w + ahead + i, w1 + ahead + i, w2 + ahead + i, w3 + ahead + i);
            Vector512<float> v0 = Load(w + i), v1 = Load(w1 + i), v2 = Load(w2 + i);
            Vector512<float> v3 = Load(w3 + i), s = Vector512.Load(x + i);
            (a0, a1, a2, a3) = (Fma(s, v0, a0), Fma(s, v1, a1), Fma(s, v2, a2), Fma(s, v3, a3));
            s = Vector512.Load(x1 + i);
            (b0, b1, b2, b3) = (Fma(s, v0, b0), Fma(s, v1, b1), Fma(s, v2, b2), Fma(s, v3, b3));
            s = Vector512.Load(x2 + i);
            (c0, c1, c2, c3) = (Fma(s, v0, c0), Fma(s, v1, c1), Fma(s, v2, c2), Fma(s, v3, c3));
            s = Vector512.Load(x3 + i);
            (d0, d1, d2, d3) = (Fma(s, v0, d0), Fma(s, v1, d1), Fma(s, v2, d2), Fma(s, v3, d3));
        }
        Vector128.Store(bias + (scale * (Sums(a0, a1, a2, a3) + Rest(x, w, i, k))), y);
        Vector128.Store(bias + (scale * (Sums(b0, b1, b2, b3) + Rest(x1, w, i, k))), y + n);
        Vector128.Store(bias + (scale * (Sums(c0, c1, c2, c3) + Rest(x2, w, i, k))), y + (2 * n));
        Vector128.Store(bias + (scale * (Sums(d0, d1, d2, d3) + Rest(x3, w, i, k))), y + (3 * n));
    }

    /// <summary>One row of X with four rows of W.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneDot(float* x, nint k, TWeight* w, nint ahead, Vector128<float> bias, Vector128<float> scale, float* y)
    {
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default;
        TWeight* w1 = w + k, w2 = w1 + k, w3 = w2 + k;
        nint i = 0;
        for (; i + Width <= k; i += Width)
        {
            Prefetch(w + ahead + i, w1 + ahead + i, w2 + ahead + i, w3 + ahead + i);
            Vector512<float> s = Vector512.Load(x + i);
            (a0, a1) = (Fma(s, Load(w + i), a0), Fma(s, Load(w1 + i), a1));
            (a2, a3) = (Fma(s, Load(w2 + i), a2), Fma(s, Load(w3 + i), a3));
        }
        Vector128.Store(bias + (scale * (Sums(a0, a1, a2, a3) + Rest(x, w, i, k))), y);
    }

    /// <summary>Four rows of X with 64 columns of W.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourStrips(float* x, nint k, TWeight* w, nint n, nint ahead, int depth, float* y)
    {
        float* x1 = x + k, x2 = x1 + k, x3 = x2 + k, y1 = y + n, y2 = y1 + n, y3 = y2 + n;
        (Vector512<float> a0, Vector512<float> a1, Vector512<float> a2, Vector512<float> a3) = (At(y, 0), At(y, 1), At(y, 2), At(y, 3));
        (Vector512<float> b0, Vector512<float> b1, Vector512<float> b2, Vector512<float> b3) = (At(y1, 0), At(y1, 1), At(y1, 2), At(y1, 3));
        (Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3) = (At(y2, 0), At(y2, 1), At(y2, 2), At(y2, 3));
        (Vector512<float> d0, Vector512<float> d1, Vector512<float> d2, Vector512<float> d3) = (At(y3, 0), At(y3, 1), At(y3, 2), At(y3, 3));
        for (nint i = 0; i < depth; i++, w += n)
        {
            Prefetch(w + ahead, w + ahead + Width, w + ahead + (2 * Width), w + ahead + (3 * Width));
            Vector512<float> v0 = Of(w, 0), v1 = Of(w, 1), v2 = Of(w, 2), v3 = Of(w, 3), s = Vector512.Create(x[i]);
            (a0, a1, a2, a3) = (Fma(s, v0, a0), Fma(s, v1, a1), Fma(s, v2, a2), Fma(s, v3, a3));
            s = Vector512.Create(x1[i]);
            (b0, b1, b2, b3) = (Fma(s, v0, b0), Fma(s, v1, b1), Fma(s, v2, b2), Fma(s, v3, b3));
            s = Vector512.Create(x2[i]);
            (c0, c1, c2, c3) = (Fma(s, v0, c0), Fma(s, v1, c1), Fma(s, v2, c2), Fma(s, v3, c3));
            s = Vector512.Create(x3[i]);
            (d0, d1, d2, d3) = (Fma(s, v0, d0), Fma(s, v1, d1), Fma(s, v2, d2), Fma(s, v3, d3));
        }
        Store(y, a0, a1, a2, a3);
        Store(y1, b0, b1, b2, b3);
        Store(y2, c0, c1, c2, c3);
        Store(y3, d0, d1, d2, d3);
    }

    /// <summary>One row of X with 64 columns of W.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneStrip(float* x, TWeight* w, nint n, nint ahead, int depth, float* y)
    {
        (Vector512<float> a0, Vector512<float> a1, Vector512<float> a2, Vector512<float> a3) = (At(y, 0), At(y, 1), At(y, 2), At(y, 3));
        for (nint i = 0; i < depth; i++, w += n)
        {
            Prefetch(w + ahead, w + ahead + Width, w + ahead + (2 * Width), w + ahead + (3 * Width));
            Vector512<float> s = Vector512.Create(x[i]);
            (a0, a1, a2, a3) = (Fma(s, Of(w, 0), a0), Fma(s, Of(w, 1), a1), Fma(s, Of(w, 2), a2), Fma(s, Of(w, 3), a3));
        }
        Store(y, a0, a1, a2, a3);
    }

    /// <summary>One row of X with the last columns of W, fewer than 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PartOfStrip(float* x, TWeight* w, nint n, int depth, float* y, int count)
    {
        for (nint i = 0; i < depth; i++, w += n)
        {
            int output = 0;
            for (; output + Width <= count; output += Width)
                Vector512.Store(Fma(Vector512.Create(x[i]), Load(w + output), Vector512.Load(y + output)), y + output);
            for (; output < count; output++)
                y[output] = MathF.FusedMultiplyAdd(x[i], Widen(w[output]), y[output]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(a, b, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> At(float* from, nint index) => Vector512.Load(from + (index * Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Of(TWeight* from, nint index) => Load(from + (index * Width));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load(TWeight* from) =>
        typeof(TWeight) == typeof(float) ? Vector512.Load((float*)from)
        : typeof(TWeight) == typeof(ushort) ? (Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)from)) << 16).AsSingle()
        : Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)from)));

    private static float Widen(TWeight weight) =>
        typeof(TWeight) == typeof(float) ? *(float*)&weight
        : typeof(TWeight) == typeof(ushort) ? BitConverter.Int32BitsToSingle(*(ushort*)&weight << 16) : *(sbyte*)&weight;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, Vector512<float> a0, Vector512<float> a1, Vector512<float> a2, Vector512<float> a3)
    {
        Vector512.Store(a0, y);
        Vector512.Store(a1, y + Width);
        Vector512.Store(a2, y + (2 * Width));
        Vector512.Store(a3, y + (3 * Width));
    }

    /// <summary>
    /// Asks for memory that the processor would not guess: its own look ahead ends at every page. Addresses beyond the matrix do no harm.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(TWeight* a, TWeight* b, TWeight* c, TWeight* d)
    {
        Sse.Prefetch1(a);
        Sse.Prefetch1(b);
        Sse.Prefetch1(c);
        Sse.Prefetch1(d);
    }

    /// <summary>The four sums of four vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Sums(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector512<double> ab = (Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b)).AsDouble();
        Vector512<double> cd = (Avx512F.UnpackLow(c, d) + Avx512F.UnpackHigh(c, d)).AsDouble();
        Vector512<float> parts = Avx512F.UnpackLow(ab, cd).AsSingle() + Avx512F.UnpackHigh(ab, cd).AsSingle(); // a, b, c, d in each quarter
        Vector256<float> halves = parts.GetLower() + parts.GetUpper();
        return halves.GetLower() + halves.GetUpper();
    }

    /// <summary>The products of the inputs that filled no vector, with four rows of W.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Rest(float* x, TWeight* w, nint from, nint k)
    {
        Vector128<float> sum = default;
        for (nint i = from; i < k; i++)
            sum += Vector128.Create(Widen(w[i]), Widen(w[k + i]), Widen(w[(2 * k) + i]), Widen(w[(3 * k) + i])) * x[i];
        return sum;
    }
}
