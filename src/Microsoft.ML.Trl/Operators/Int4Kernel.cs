using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Products with a matrix of 4-bit weights, in 512-bit vectors of float32. 32 neighbouring inputs of an output share a scale; their weights
/// lie in 16 bytes as in GGUF's Q4_0: byte j holds input j in its low half and input j + 16 in its high half, each 8 too high. A result
/// is one chain of multiply-adds in the order of the inputs, whatever stands beside it.
/// </summary>
internal static unsafe class Int4Kernel
{
    /// <summary>Inputs that share a scale.</summary>
    public const int GroupSize = 32;

    private const int Width = 16;

    /// <summary>Y = X·Wᵀ + bias for the outputs [from, to).</summary>
    /// <param name="product">W is [outputs, inputs / 2] bytes, Scales [outputs, inputs / 32] float32.</param>
    /// <param name="from">First output.</param>
    /// <param name="to">End of the outputs.</param>
    public static void Run(in SmallBatchKernel<byte>.Operands product, int from, int to)
    {
        nint blocks = product.Inputs / GroupSize;
        for (int output = from; output < to; output++)
        {
            byte* w = (byte*)product.W + (output * blocks * Width);
            float* scales = (float*)product.Scales + (output * blocks);
            int row = 0;
            for (; row + 4 <= product.Rows; row += 4)
                FourRows(product.Row(row), product.Inputs, w, scales, blocks, product.Result(row, output), product.Outputs);
            int outputs = Math.Min(4, to - output);
            bool together = row < product.Rows && product.Rows < 4 && outputs == 4; // few rows: four outputs keep the processor busy
            for (; row < product.Rows; row++)
                if (together)
                    FourOutputs(product.Row(row), w, scales, blocks, product.Result(row, output));
                else
                    *product.Result(row, output) = Dot(product.Row(row), w, scales, blocks);
            output += together ? 3 : 0;
        }
        AddBias(product, from, to);
    }

    private static void AddBias(in SmallBatchKernel<byte>.Operands product, int from, int to)
    {
        if (product.Bias == 0)
            return;
        var bias = new ReadOnlySpan<float>((float*)product.Bias + from, to - from);
        for (int row = 0; row < product.Rows; row++)
        {
            var results = new Span<float>(product.Result(row, from), to - from);
            TensorPrimitives.Add(results, bias, results);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot(float* x, byte* w, float* scales, nint blocks)
    {
        Vector512<float> sum = default;
        for (nint block = 0; block < blocks; block++, x += GroupSize, w += Width)
        {
            (Vector512<float> low, Vector512<float> high) = Load(w);
            sum = Add(sum, Vector512.Load(x), Vector512.Load(x + Width), low, high, scales[block]);
        }
        return Vector512.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourOutputs(float* x, byte* w, float* scales, nint blocks, float* y)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        nint bytes = blocks * Width;
        for (nint block = 0; block < blocks; block++, x += GroupSize, w += Width)
        {
            Sse.Prefetch1(w + (4 * bytes));
            Sse.Prefetch1(w + (5 * bytes));
            Sse.Prefetch1(w + (6 * bytes));
            Sse.Prefetch1(w + (7 * bytes));
            Vector512<float> x0 = Vector512.Load(x), x1 = Vector512.Load(x + Width);
            (Vector512<float> low, Vector512<float> high) = Load(w);
            a = Add(a, x0, x1, low, high, scales[block]);
            (low, high) = Load(w + bytes);
            b = Add(b, x0, x1, low, high, scales[block + blocks]);
            (low, high) = Load(w + (2 * bytes));
            c = Add(c, x0, x1, low, high, scales[block + (2 * blocks)]);
            (low, high) = Load(w + (3 * bytes));
            d = Add(d, x0, x1, low, high, scales[block + (3 * blocks)]);
        }
        (y[0], y[1], y[2], y[3]) = (Vector512.Sum(a), Vector512.Sum(b), Vector512.Sum(c), Vector512.Sum(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourRows(float* x, nint k, byte* w, float* scales, nint blocks, float* y, nint n)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        for (nint block = 0; block < blocks; block++, x += GroupSize, w += Width)
        {
            Sse.Prefetch1(w + (blocks * Width));
            (Vector512<float> low, Vector512<float> high) = Load(w);
            a = Add(a, Vector512.Load(x), Vector512.Load(x + Width), low, high, scales[block]);
            b = Add(b, Vector512.Load(x + k), Vector512.Load(x + k + Width), low, high, scales[block]);
            c = Add(c, Vector512.Load(x + (2 * k)), Vector512.Load(x + (2 * k) + Width), low, high, scales[block]);
            d = Add(d, Vector512.Load(x + (3 * k)), Vector512.Load(x + (3 * k) + Width), low, high, scales[block]);
        }
        (y[0], y[n], y[2 * n], y[3 * n]) = (Vector512.Sum(a), Vector512.Sum(b), Vector512.Sum(c), Vector512.Sum(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add(
        Vector512<float> sum, Vector512<float> x0, Vector512<float> x1, Vector512<float> low, Vector512<float> high, float scale)
    {
        Vector512<float> products = Vector512.FusedMultiplyAdd(x1, high, x0 * low);
        return Vector512.FusedMultiplyAdd(products, Vector512.Create(scale), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Low, Vector512<float> High) Load(byte* w)
    {
        Vector128<byte> both = Vector128.Load(w), four = Vector128.Create((byte)15), eight = Vector128.Create((byte)8);
        Vector128<byte> high = (both.AsUInt16() >> 4).AsByte() & four;
        return (Widen(((both & four) - eight).AsSByte()), Widen((high - eight).AsSByte()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector128<sbyte> weights) =>
        Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(weights));
}
