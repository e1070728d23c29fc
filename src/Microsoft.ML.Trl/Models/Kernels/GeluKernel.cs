using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// The tanh form of GELU over float32 memory in one pass: x·σ(2u) with u = √(2/π)·(x + 0.044715 x³),
/// since (1 + tanh u) / 2 = σ(2u).
/// </summary>
internal static unsafe class GeluKernel
{
    private const int Width = 16; // floats per vector
    private const long LeastPerThread = 1 << 14;
    private const float Linear = 1.5957691216057308f; // 2·√(2/π)
    private const float Flat = 40; // beyond it the slope is 0 or 1 to the last bit
    private const float Cubic = 0.044715f * Linear;

    /// <summary>y = gelu(x); the two may be the same memory.</summary>
    public static void Forward(float* x, float* y, long count) => HostThreads.Split(count, Width, LeastPerThread, (begin, end) => Values(x + begin, y + begin, end - begin));

    /// <summary>dx = dy·gelu'(x); dy and dx may be the same memory.</summary>
    public static void Backward(float* x, float* dy, float* dx, long count) =>
        HostThreads.Split(count, Width, LeastPerThread, (begin, end) => Slopes(x + begin, dy + begin, dx + begin, end - begin));

    /// <summary>y = gelu(x) on the calling thread; the two may be the same memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Values(float* x, float* y, long count)
    {
        long i = 0;
        for (; i + Width <= count; i += Width)
            Value(Vector512.Load(x + i)).Store(y + i);
        if (i == count)
            return;
        float* rest = stackalloc float[Width];
        Copy(x + i, rest, count - i);
        Value(Vector512.Load(rest)).Store(rest);
        Copy(rest, y + i, count - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Slopes(float* x, float* dy, float* dx, long count)
    {
        long i = 0;
        for (; i + Width <= count; i += Width)
            (Vector512.Load(dy + i) * Slope(Vector512.Load(x + i))).Store(dx + i);
        if (i == count)
            return;
        float* rest = stackalloc float[2 * Width];
        Copy(x + i, rest, count - i);
        Copy(dy + i, rest + Width, count - i);
        (Vector512.Load(rest + Width) * Slope(Vector512.Load(rest))).Store(rest);
        Copy(rest, dx + i, count - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Value(Vector512<float> x) => x * Sigmoid(x, x * x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Slope(Vector512<float> x)
    {
        x = Vector512.Clamp(x, Vector512.Create(-Flat), Vector512.Create(Flat));
        Vector512<float> square = x * x;
        Vector512<float> sigmoid = Sigmoid(x, square);
        Vector512<float> inner = x * Vector512.FusedMultiplyAdd(square, Vector512.Create(3 * Cubic), Vector512.Create(Linear)); // x·(2u)'
        return sigmoid + (sigmoid * (Vector512<float>.One - sigmoid) * inner);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Sigmoid(Vector512<float> x, Vector512<float> square)
    {
        Vector512<float> twice = x * Vector512.FusedMultiplyAdd(square, Vector512.Create(Cubic), Vector512.Create(Linear));
        return Vector512<float>.One / (Vector512<float>.One + VectorExp.Of(-twice));
    }

    private static void Copy(float* from, float* to, long count) => Buffer.MemoryCopy(from, to, count * sizeof(float), count * sizeof(float));
}
