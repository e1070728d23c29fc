using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// 4-bit NormalFloat, arXiv:2305.14314, section 3 and appendix E, in the layout of bitsandbytes: 64 neighbouring weights of the flattened
/// matrix share their largest magnitude; each weight is a code for one of 16 values between -1 and 1; the first of two lies in the high
/// half of their byte. Each function has a plain path beside that for 512-bit vectors.
/// </summary>
internal static unsafe class Nf4Kernel
{
    /// <summary>Weights that share a scale.</summary>
    public const int BlockSize = 64;

    /// <summary>Scales that share one of their own where they are quantized too.</summary>
    public const int NestedBlockSize = 256;

    private const int Width = 16;
    private const byte Zero = 7; // the code of 0

    /// <summary>What the codes 0, 1, ... 15 stand for: appendix E.</summary>
    public static ReadOnlySpan<float> Values =>
    [
        -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
        -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
        0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
    ];

    /// <summary>Whether there are products of few rows, which need 512-bit vectors.</summary>
    public static bool IsSupported => Avx512F.IsSupported;

    /// <summary>Where the scales of the blocks come from: float32 numbers, or codes of the 256 numbers of a map.</summary>
    /// <param name="Plain">[blocks] float32, or null.</param>
    /// <param name="Codes">[blocks] bytes.</param>
    /// <param name="Map">[256] float32.</param>
    /// <param name="Nested">[blocks / 256] float32: the scales of what the codes mean.</param>
    /// <param name="Offset">Added to it.</param>
    public readonly record struct Scales(nint Plain, nint Codes = 0, nint Map = 0, nint Nested = 0, float Offset = 0)
    {
        /// <summary>The scale of a block.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public float Of(nint block) => Plain != 0
            ? ((float*)Plain)[block]
            : (((float*)Map)[((byte*)Codes)[block]] * ((float*)Nested)[block / NestedBlockSize]) + Offset;
    }

    /// <summary>The operands of one product.</summary>
    /// <param name="X">[rows, inputs] float32; inputs are a multiple of 64.</param>
    /// <param name="Rows">Rows of X and Y.</param>
    /// <param name="Inputs">Columns of X.</param>
    /// <param name="W">[outputs, inputs / 2] bytes.</param>
    /// <param name="Scales">Of the blocks of W.</param>
    /// <param name="Bias">[outputs] float32, or null.</param>
    /// <param name="Y">[rows, outputs] float32, written.</param>
    /// <param name="Outputs">Columns of Y.</param>
    public readonly record struct Operands(nint X, int Rows, int Inputs, nint W, Scales Scales, nint Bias, nint Y, int Outputs);

    /// <summary>Finds scale and codes of whole blocks; the last one may be shorter.</summary>
    /// <param name="x">[count] weights.</param>
    /// <param name="count">How many.</param>
    /// <param name="codes">[(count + 1) / 2], written.</param>
    /// <param name="scales">[blocks], written.</param>
    public static void Quantize(float* x, long count, byte* codes, float* scales)
    {
        Span<float> bounds = stackalloc float[15]; // above which the next code is nearer
        for (int code = 0; code < bounds.Length; code++)
            bounds[code] = (Values[code] + Values[code + 1]) / 2;
        for (long start = 0; start < count; start += BlockSize, x += BlockSize, codes += BlockSize / 2)
        {
            int size = (int)Math.Min(BlockSize, count - start);
            float largest = TensorPrimitives.MaxMagnitude(new ReadOnlySpan<float>(x, size));
            largest = Math.Abs(largest);
            *scales++ = largest;
            float factor = largest == 0 ? 0 : 1 / largest;
            for (int i = 0; i < size; i += 2)
            {
                int second = i + 1 < size ? Code(x[i + 1] * factor, bounds) : Zero;
                codes[i / 2] = (byte)((Code(x[i] * factor, bounds) << 4) | second);
            }
        }
    }

    /// <summary>Widens the weights [from, to) of the flattened matrix.</summary>
    /// <param name="codes">Of the whole matrix.</param>
    /// <param name="scales">Of the whole matrix.</param>
    /// <param name="from">First weight.</param>
    /// <param name="to">End of the weights.</param>
    /// <param name="y">[to - from], written.</param>
    /// <param name="plain">Whether to do without vectors.</param>
    public static void Widen(byte* codes, in Scales scales, nint from, nint to, float* y, bool plain = false)
    {
        for (nint at = from; at < to;)
        {
            nint block = at / BlockSize, end = Math.Min(to, (block + 1) * BlockSize);
            float scale = scales.Of(block);
            if (end - at == BlockSize && IsSupported && !plain)
            {
                WidenBlock(codes + (at / 2), scale, y);
                at = end;
                y += BlockSize;
            }
            for (; at < end; at++)
                *y++ = Values[(at & 1) == 0 ? codes[at / 2] >> 4 : codes[at / 2] & 15] * scale;
        }
    }

    /// <summary>Y = X·Wᵀ + bias for the outputs [from, to). A result is one chain of sums in the order of the inputs.</summary>
    public static void Multiply(in Operands product, int from, int to)
    {
        nint blocks = product.Inputs / BlockSize;
        float[] scales = new float[blocks];
        fixed (float* first = scales)
            for (int output = from; output < to; output++)
            {
                for (nint block = 0; block < blocks; block++)
                    first[block] = product.Scales.Of((output * blocks) + block);
                byte* w = (byte*)product.W + (output * blocks * (BlockSize / 2));
                float* x = (float*)product.X, y = (float*)product.Y + output;
                float bias = product.Bias == 0 ? 0 : ((float*)product.Bias)[output];
                nint k = product.Inputs, n = product.Outputs;
                int row = 0;
                for (; row + 4 <= product.Rows; row += 4, x += 4 * k, y += 4 * n)
                    FourRows(x, k, w, first, blocks, bias, y, n);
                for (; row < product.Rows; row++, x += k, y += n)
                    *y = Dot(x, w, first, blocks) + bias;
            }
    }

    private static int Code(float x, ReadOnlySpan<float> bounds)
    {
        int code = x > bounds[7] ? 8 : 0;
        code += x > bounds[code + 3] ? 4 : 0;
        code += x > bounds[code + 1] ? 2 : 0;
        return code + (x > bounds[code] ? 1 : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenBlock(byte* codes, float scale, float* y)
    {
        Vector512<float> book = Vector512.Create(Values), factor = Vector512.Create(scale);
        (Vector512<float> a, Vector512<float> b) = Load(codes, book);
        (Vector512<float> c, Vector512<float> d) = Load(codes + Width, book);
        Vector512.Store(a * factor, y);
        Vector512.Store(b * factor, y + Width);
        Vector512.Store(c * factor, y + (2 * Width));
        Vector512.Store(d * factor, y + (3 * Width));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot(float* x, byte* w, float* scales, nint blocks)
    {
        Vector512<float> sum = default, book = Vector512.Create(Values);
        for (nint block = 0; block < blocks; block++, x += BlockSize, w += BlockSize / 2)
        {
            Sse.Prefetch1(w + (blocks * (BlockSize / 2)));
            (Vector512<float> a, Vector512<float> b) = Load(w, book);
            (Vector512<float> c, Vector512<float> d) = Load(w + Width, book);
            sum = Add(sum, x, a, b, c, d, scales[block]);
        }
        return Vector512.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(float* x, nint k, byte* w, float* scales, nint blocks, float bias, float* y, nint n)
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, book = Vector512.Create(Values);
        for (nint block = 0; block < blocks; block++, x += BlockSize, w += BlockSize / 2)
        {
            Sse.Prefetch1(w + (blocks * (BlockSize / 2)));
            (Vector512<float> a, Vector512<float> b) = Load(w, book);
            (Vector512<float> c, Vector512<float> d) = Load(w + Width, book);
            s0 = Add(s0, x, a, b, c, d, scales[block]);
            s1 = Add(s1, x + k, a, b, c, d, scales[block]);
            s2 = Add(s2, x + (2 * k), a, b, c, d, scales[block]);
            s3 = Add(s3, x + (3 * k), a, b, c, d, scales[block]);
        }
        (y[0], y[n]) = (Vector512.Sum(s0) + bias, Vector512.Sum(s1) + bias);
        (y[2 * n], y[3 * n]) = (Vector512.Sum(s2) + bias, Vector512.Sum(s3) + bias);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add(
        Vector512<float> sum, float* x, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float scale)
    {
        Vector512<float> products = Vector512.Load(x) * a;
        products = Vector512.FusedMultiplyAdd(Vector512.Load(x + Width), b, products);
        products = Vector512.FusedMultiplyAdd(Vector512.Load(x + (2 * Width)), c, products);
        products = Vector512.FusedMultiplyAdd(Vector512.Load(x + (3 * Width)), d, products);
        return Vector512.FusedMultiplyAdd(products, Vector512.Create(scale), sum);
    }

    /// <summary>The values of the 32 codes in 16 bytes, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> First, Vector512<float> Second) Load(byte* codes, Vector512<float> book)
    {
        Vector128<byte> both = Vector128.Load(codes), four = Vector128.Create((byte)15);
        Vector128<byte> high = (both.AsUInt16() >> 4).AsByte() & four, low = both & four;
        return (Look(Sse2.UnpackLow(high, low), book), Look(Sse2.UnpackHigh(high, low), book));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Look(Vector128<byte> codes, Vector512<float> book) =>
        Avx512F.PermuteVar16x32(book, Avx512F.ConvertToVector512Int32(codes));
}
