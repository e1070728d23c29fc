using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Rounds float32 to bfloat16 up or down at random, the likelier the nearer: the mean of many roundings is the number itself, so that
/// changes too small for bfloat16 are not lost.
/// </summary>
internal static unsafe class StochasticRounding
{
    private const int WorthAThread = 1 << 14; // numbers

    /// <summary>Rounds a tensor.</summary>
    /// <param name="source">Float32.</param>
    /// <param name="target">Bfloat16 of the same shape, written.</param>
    /// <param name="seed">On the CPU the result is a function of it; elsewhere of the device's generator.</param>
    /// <param name="offset">Added to the number of an element, where the tensor is a part of one.</param>
    public static void Round(Tensor source, Tensor target, ulong seed, long offset = 0)
    {
        if (source.device_type != DeviceType.CPU || !source.is_contiguous() || !target.is_contiguous())
        {
            RoundByOperators(source, target);
            return;
        }
        nint from = TensorAddress.Of(source), into = TensorAddress.Of(target);
        ParallelLoop.For(0, source.NumberOfElements, WorthAThread, (begin, end) =>
            Round((float*)from + begin, (ushort*)into + begin, end - begin, seed, offset + begin));
        GC.KeepAlive((source, target));
    }

    /// <summary>Rounds memory.</summary>
    /// <param name="source">Float32.</param>
    /// <param name="target">The bits of bfloat16, written.</param>
    /// <param name="count">Of both.</param>
    /// <param name="seed">The result is a function of it, the numbers and their places.</param>
    /// <param name="first">Place of the first number.</param>
    public static void Round(float* source, ushort* target, long count, ulong seed, long first)
    {
        for (long i = 0; i < count; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(source[i]);
            bool isFinite = (bits & 0x7F80_0000) != 0x7F80_0000;
            target[i] = (ushort)((isFinite ? bits + Draw(seed, first + i) : bits) >> 16);
        }
    }

    /// <summary>A random number of 16 bits: SplitMix64, four of them in each of its numbers.</summary>
    private static uint Draw(ulong seed, long place)
    {
        ulong x = seed + ((ulong)(place >> 2) * 0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)) * 0xBF58_476D_1CE4_E5B9;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB;
        x ^= x >> 31;
        return (uint)(x >> (int)((place & 3) * 16)) & 0xFFFF;
    }

    /// <summary>By libtorch's operators: in steps of bfloat16, a share of a step drawn and added, then rounded down.</summary>
    internal static void RoundByOperators(Tensor source, Tensor target)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor _, Tensor exponent) = frexp(source); // a mantissa in [0.5, 1), of which bfloat16 keeps 8 bits
        Tensor step = pow(2.0, exponent.to_type(ScalarType.Float32).sub_(8));
        target.copy_((source / step).add_(rand_like(source)).floor_().mul_(step));
    }
}
