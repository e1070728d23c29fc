using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// The 256 numbers of block-wise dynamic quantization, arXiv:2110.02861, bitsandbytes' <c>create_dynamic_map</c>: decades from 1e-6 to 1,
/// of which each has twice as many numbers, evenly spread, as the one below it; and 0 and 1.
/// </summary>
internal sealed class DynamicCode
{
    /// <summary>Numbers of a code.</summary>
    public const int Count = 256;

    private const int Decades = 7;

    /// <summary>Numbers from -0.993 to 1: for means of gradients.</summary>
    public static readonly DynamicCode Signed = new(isSigned: true);

    /// <summary>Numbers from 0 to 1: for means of squares.</summary>
    public static readonly DynamicCode Unsigned = new(isSigned: false);

    private readonly float[] _values, _limits = new float[Count];
    private readonly byte[] _beginnings = new byte[1 << 16];

    private DynamicCode(bool isSigned)
    {
        _values = Build(isSigned);
        for (int i = 0; i + 1 < Count; i++)
            _limits[i] = (_values[i] + _values[i + 1]) / 2;
        _limits[^1] = float.PositiveInfinity;
        for (int high = 0; high < _beginnings.Length; high++)
        {
            float one = BitConverter.Int32BitsToSingle(high << 16), other = BitConverter.Int32BitsToSingle((high << 16) | 0xFFFF);
            _beginnings[high] = (byte)Search(Math.Min(one, other));
        }
    }

    /// <summary>In rising order.</summary>
    public ReadOnlySpan<float> Values => _values;

    /// <summary>Up to where a number belongs to the entry, and not to the next one; of the last entry infinity.</summary>
    public ReadOnlySpan<float> Limits => _limits;

    /// <summary>
    /// By the upper 16 bits of a float32 of at most 1: the entry of the smallest number that has them. The largest one belongs to the same
    /// entry or the next.
    /// </summary>
    public ReadOnlySpan<byte> Beginnings => _beginnings;

    /// <summary>The number of the nearest entry.</summary>
    /// <param name="value">Between -1 and 1.</param>
    public unsafe byte Nearest(float value)
    {
        fixed (byte* beginnings = _beginnings)
        fixed (float* limits = _limits)
            return Nearest(value, beginnings, limits);
    }

    /// <summary>The same, for loops that hold on to <see cref="Beginnings"/> and <see cref="Limits"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe byte Nearest(float value, byte* beginnings, float* limits)
    {
        int first = beginnings[BitConverter.SingleToUInt32Bits(value) >> 16];
        return (byte)(first + (value > limits[first] ? 1 : 0));
    }

    /// <summary>[256] float32: <see cref="Values"/> as a tensor. The caller owns it.</summary>
    /// <param name="device">Null = the CPU.</param>
    public Tensor Numbers(Device? device = null) => tensor(_values, device: device);

    /// <summary>The entries of the numbers that are nearest; of two that are equally near the lower one; by libtorch's operators.</summary>
    /// <param name="values">Any shape, float32, dense; what is beyond the numbers gets the first or last entry.</param>
    /// <returns>Same shape, bytes. The caller owns it.</returns>
    public Tensor Encode(Tensor values)
    {
        using var scope = NewDisposeScope();
        Tensor limits = tensor(_limits[..^1], device: values.device);
        return bucketize(values, limits, true, false).to_type(ScalarType.Byte).MoveToOuterDisposeScope();
    }

    /// <summary>What entries stand for, by libtorch's operators.</summary>
    /// <param name="codes">Any shape, bytes.</param>
    /// <returns>Same shape, float32. The caller owns it.</returns>
    public Tensor Decode(Tensor codes)
    {
        using var scope = NewDisposeScope();
        Tensor entries = codes.reshape(-1).to_type(ScalarType.Int32);
        return Numbers(codes.device).index_select(0, entries).view(codes.shape).MoveToOuterDisposeScope();
    }

    private static float[] Build(bool isSigned)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        List<float> values = [0, 1];
        for (int decade = 0; decade < Decades; decade++)
        {
            int count = (isSigned ? 1 : 2) << decade;
            Tensor bounds = linspace(0.1, 1, count + 1, ScalarType.Float32); // in float32, as bitsandbytes' create_dynamic_map
            Tensor means = (bounds.narrow(0, 0, count) + bounds.narrow(0, 1, count)) / 2 * Math.Pow(10, decade + 1 - Decades);
            float[] positive = means.data<float>().ToArray();
            values.AddRange(positive);
            if (isSigned)
                values.AddRange(positive.Select(value => -value));
        }
        values.Sort();
        return [.. values];
    }

    private int Search(float value)
    {
        int entry = 0;
        while (value > _limits[entry])
            entry++;
        return entry;
    }
}
