using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>The scales of a 4-bit NormalFloat matrix.</summary>
/// <param name="Absmax">[blocks] float32, or bytes where they are quantized too.</param>
/// <param name="Nested">[(blocks + 255) / 256] float32: the largest magnitudes of what the bytes stand for; null = not quantized.</param>
/// <param name="Offset">[1] float32: the mean that was taken off before.</param>
/// <param name="Map">[256] float32: what bytes stand for.</param>
internal sealed record Nf4Scales(Tensor Absmax, Tensor? Nested = null, Tensor? Offset = null, Tensor? Map = null);

/// <summary>What <see cref="Nf4Kernel"/> does, with tensors and on libtorch's threads. All are dense and on the CPU.</summary>
internal static unsafe class Nf4Product
{
    private const int WorthAThread = 1 << 15; // weights

    /// <summary>Finds codes and scales of weights.</summary>
    /// <param name="x">[n] float32, any shape.</param>
    /// <param name="codes">[(n + 1) / 2] bytes, written.</param>
    /// <param name="scales">[(n + 63) / 64] float32, written.</param>
    public static void Quantize(Tensor x, Tensor codes, Tensor scales)
    {
        const int Size = Nf4Kernel.BlockSize;
        long count = x.NumberOfElements;
        (nint from, nint to, nint factors) = (Memory(x), Memory(codes), Memory(scales));
        ParallelLoop.For(0, (count + Size - 1) / Size, WorthAThread / Size, (begin, end) => Nf4Kernel.Quantize(
            (float*)from + (begin * Size), Math.Min(count, end * Size) - (begin * Size), (byte*)to + (begin * Size / 2),
            (float*)factors + begin));
        GC.KeepAlive((x, codes, scales));
    }

    /// <summary>Neighbouring weights of the flattened matrix, widened.</summary>
    /// <param name="codes">[(n + 1) / 2] bytes.</param>
    /// <param name="scales">Of its blocks.</param>
    /// <param name="from">First weight.</param>
    /// <param name="y">Any shape, float32; written.</param>
    /// <param name="plain">Whether to do without vectors.</param>
    public static void Widen(Tensor codes, Nf4Scales scales, long from, Tensor y, bool plain = false)
    {
        (nint packed, nint to, Nf4Kernel.Scales of) = (Memory(codes), Memory(y), Read(scales));
        ParallelLoop.For(0, y.NumberOfElements, WorthAThread, (begin, end) => Nf4Kernel.Widen(
            (byte*)packed, of, (nint)(from + begin), (nint)(from + end), (float*)to + begin, plain));
        GC.KeepAlive((codes, scales, y));
    }

    /// <summary>x·Wᵀ + bias.</summary>
    /// <param name="x">[M, K] float32, K a multiple of 64.</param>
    /// <param name="codes">[N · K / 2] bytes.</param>
    /// <param name="scales">Of its blocks.</param>
    /// <param name="outputs">N.</param>
    /// <param name="bias">[N] float32, or null.</param>
    /// <returns>[M, N] float32. The caller owns it.</returns>
    public static Tensor Multiply(Tensor x, Tensor codes, Nf4Scales scales, long outputs, Tensor? bias)
    {
        (long rows, long inputs) = (x.size(0), x.size(1));
        Tensor y = empty(rows, outputs, ScalarType.Float32);
        var product = new Nf4Kernel.Operands(
            Memory(x), (int)rows, (int)inputs, Memory(codes), Read(scales), bias is null ? 0 : Memory(bias), Memory(y), (int)outputs);
        ParallelLoop.For(0, outputs, Math.Max(1, WorthAThread / inputs), (from, to) => Nf4Kernel.Multiply(product, (int)from, (int)to));
        GC.KeepAlive((x, codes, scales, bias));
        return y;
    }

    private static Nf4Kernel.Scales Read(Nf4Scales scales) => scales.Nested is null
        ? new(Memory(scales.Absmax))
        : new(0, Memory(scales.Absmax), Memory(scales.Map!), Memory(scales.Nested), scales.Offset!.item<float>());

    private static nint Memory(Tensor tensor)
    {
        nint address;
        return StableAbi.GetDataPointer(tensor.Handle, &address) == 0
            ? address : throw new InvalidOperationException("The tensor has no memory of its own.");
    }
}
