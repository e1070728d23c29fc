using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Trl.Models;

/// <summary>Copies head vectors that lie far apart. The loops are bare, so that the processor waits for many of them at once.</summary>
internal static unsafe class HeadRows
{
    /// <summary>to = factor·from, for <paramref name="count"/> vectors.</summary>
    /// <param name="from">The first vector.</param>
    /// <param name="fromStep">Floats from one to the next.</param>
    /// <param name="to">Where the first goes.</param>
    /// <param name="toStep">Floats from one to the next.</param>
    /// <param name="count">Number of vectors.</param>
    /// <param name="width">Floats per vector.</param>
    /// <param name="factor">Scale.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* from, nint fromStep, float* to, nint toStep, int count, int width, float factor)
    {
        Vector512<float> scale = Vector512.Create(factor);
        for (int i = 0; i < count; i++, from += fromStep, to += toStep)
        {
            int j = 0;
            for (; j + SmallMatMul.Width <= width; j += SmallMatMul.Width)
                (Vector512.Load(from + j) * scale).Store(to + j);
            if (j < width)
                TensorPrimitives.Multiply(new ReadOnlySpan<float>(from + j, width - j), factor, new Span<float>(to + j, width - j));
        }
    }

    /// <summary>Rows become columns.</summary>
    /// <param name="from">[rows, width] with rows <paramref name="fromStep"/> apart.</param>
    /// <param name="fromStep">Floats from one row to the next.</param>
    /// <param name="to">[width, <paramref name="toStep"/>]; what lies beyond the rows becomes 0.</param>
    /// <param name="toStep">Floats from one line to the next.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="width">Floats per row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* from, nint fromStep, float* to, nint toStep, int rows, int width)
    {
        for (int column = 0; column < width; column++)
            new Span<float>(to + (column * toStep) + rows, (int)toStep - rows).Clear();
        for (int first = 0; first < rows; first += SmallMatMul.Width, from += SmallMatMul.Width * fromStep)
        {
            int count = Math.Min(SmallMatMul.Width, rows - first); // so many that they stay in the nearest cache
            for (int column = 0; column < width; column++)
            {
                float* line = to + (column * toStep) + first;
                for (int row = 0; row < count; row++)
                    line[row] = from[(row * fromStep) + column];
            }
        }
    }
}
