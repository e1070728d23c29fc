using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Trl.Models;

/// <summary>The gate of SwiGLU over float32 memory: silu(gate)·up, silu(x) = x·σ(x).</summary>
internal static unsafe class SiluKernel
{
    private const int Width = 16;

    /// <summary>gate becomes silu(gate)·up, on the calling thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gate(float* gate, float* up, int count)
    {
        int i = 0;
        for (; i + Width <= count; i += Width)
            (Silu(Vector512.Load(gate + i)) * Vector512.Load(up + i)).Store(gate + i);
        for (; i < count; i++)
            gate[i] *= up[i] / (1 + MathF.Exp(-gate[i]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Silu(Vector512<float> x) => x / (Vector512<float>.One + VectorExp.Of(-x));
}
