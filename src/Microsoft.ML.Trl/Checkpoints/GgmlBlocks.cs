using System.Buffers.Binary;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>The blocks of quantized weights, by the layouts and formulas of ggml: <c>ggml-common.h</c> and <c>ggml-quants.c</c>.</summary>
internal static class GgmlBlocks
{
    private const int SubBlocks = 8, SubBlock = 32;

    /// <summary>float16 d, 32 signed bytes q: d q.</summary>
    public static void DecodeQ8_0(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block);
        for (int i = 0; i < values.Length; i++)
            values[i] = scale * (sbyte)block[2 + i];
    }

    /// <summary>float16 d, 16 bytes with the first 16 numbers in their lower halves and the others in the upper: d (q - 8).</summary>
    public static void DecodeQ4_0(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block);
        for (int i = 0; i < 16; i++)
        {
            values[i] = scale * ((block[2 + i] & 15) - 8);
            values[16 + i] = scale * ((block[2 + i] >> 4) - 8);
        }
    }

    /// <summary>
    /// float16 d and m, 12 bytes with a scale s and a minimum t of 6 bit for each of 8 sub-blocks, then 4 bit per number; two sub-blocks
    /// share 32 bytes: d s q - m t.
    /// </summary>
    public static void DecodeQ4_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block), minimum = Half(block[2..]);
        ReadOnlySpan<byte> packed = block.Slice(4, 12), numbers = block[16..];
        for (int sub = 0; sub < SubBlocks; sub++)
        {
            float factor = scale * SixBits(packed, sub, 0), less = minimum * SixBits(packed, sub, 4);
            ReadOnlySpan<byte> pair = numbers.Slice(sub / 2 * SubBlock, SubBlock);
            for (int i = 0; i < SubBlock; i++)
                values[(sub * SubBlock) + i] = (factor * (sub % 2 == 0 ? pair[i] & 15 : pair[i] >> 4)) - less;
        }
    }

    /// <summary>
    /// 4 lower bits of each number in 128 bytes, 2 upper ones in 64, a signed scale s per 16 numbers, float16 d: d s (q - 32). Each half of
    /// the block is four runs of 32 numbers: the lower, then the upper halves of 64 bytes.
    /// </summary>
    public static void DecodeQ6_K(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block[208..]);
        for (int i = 0; i < values.Length; i++)
        {
            int half = i / 128, run = i % 128 / 32, place = i % 32;
            int lower = block[(half * 64) + (run % 2 * 32) + place], upper = block[128 + (half * 32) + place];
            int number = ((run < 2 ? lower & 15 : lower >> 4) | ((upper >> (2 * run) & 3) << 4)) - 32;
            values[i] = scale * (sbyte)block[192 + (i / 16)] * number;
        }
    }

    /// <summary>The block of <see cref="DecodeQ8_0"/>: d is the largest size over 127; numbers are rounded, halves away from 0.</summary>
    public static void EncodeQ8_0(ReadOnlySpan<float> values, Span<byte> block)
    {
        float largest = 0;
        foreach (float value in values)
            largest = Math.Max(largest, Math.Abs(value));
        float scale = largest / 127, inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        for (int i = 0; i < values.Length; i++)
            block[2 + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
    }

    /// <summary>
    /// One of 8 pairs of numbers of 6 bit: the first four have them in 4 bytes each; the lower 4 bits of the others share a byte, their
    /// upper 2 bits are those that the first four leave free.
    /// </summary>
    private static int SixBits(ReadOnlySpan<byte> packed, int sub, int first)
    {
        if (sub < 4)
            return packed[first + sub] & 63;
        int shared = packed[4 + sub];
        return (first == 0 ? shared & 15 : shared >> 4) | (packed[first + sub - 4] >> 6 << 4);
    }

    private static float Half(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);
}
