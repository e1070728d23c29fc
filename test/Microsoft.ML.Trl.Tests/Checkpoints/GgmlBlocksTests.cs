using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Checkpoints;

/// <summary>
/// Blocks of quantized weights, worked out by hand from the layouts in ggml-common.h: float16 1.0 is 00 3c, 0.5 is 00 38, 2.0 is 00 40,
/// 0.25 is 00 34 (lowest byte first).
/// </summary>
[TestClass]
public sealed class GgmlBlocksTests
{
    [TestMethod]
    public void Q8_0_is_a_scale_and_32_signed_bytes()
    {
        byte[] block = [0x00, 0x38, .. Enumerable.Range(0, 32).Select(i => (byte)(i * 8))]; // 0.5; 0, 8, ..., 120, -128, ..., -8
        float[] expected = [.. Enumerable.Range(0, 32).Select(i => 0.5f * (i < 16 ? i * 8 : (i * 8) - 256))];
        Decoded(expected, block, GgmlBlocks.DecodeQ8_0);
    }

    [TestMethod]
    public void Q4_0_has_its_first_half_in_the_lower_bits()
    {
        byte[] block = [0x00, 0x40, .. Enumerable.Range(0, 16).Select(i => (byte)((i << 4) | (15 - i)))];
        float[] expected = [.. Enumerable.Range(0, 16).Select(i => 2f * (7 - i)), .. Enumerable.Range(0, 16).Select(i => 2f * (i - 8))];
        Decoded(expected, block, GgmlBlocks.DecodeQ4_0);
    }

    /// <summary>
    /// Scales 1, 2, 3, 4, 20, 37, 54, 63 and minimums 5, 6, 7, 8, 17, 34, 51, 60. Of the last four the lower four bits are 4, 5, 6, 15 and
    /// 1, 2, 3, 12, the upper two 1, 2, 3, 3 and 1, 2, 3, 3: these lie above the first four.
    /// </summary>
    [TestMethod]
    public void Q4_K_has_eight_scales_and_minimums_of_six_bits()
    {
        int[] scales = [1, 2, 3, 4, 20, 37, 54, 63], minimums = [5, 6, 7, 8, 17, 34, 51, 60];
        byte[] packed =
        [
            0b01_000001, 0b10_000010, 0b11_000011, 0b11_000100, 0b01_000101, 0b10_000110, 0b11_000111, 0b11_001000,
            0x14, 0x25, 0x36, 0xcf,
        ];
        // each of the four groups of 32 bytes: sub-block 2g in the lower bits counts up, 2g+1 in the upper ones counts down
        byte[] numbers = [.. Enumerable.Range(0, 128).Select(i => (byte)((i % 16) | ((15 - (i % 16)) << 4)))];
        byte[] block = [0x00, 0x38, 0x00, 0x34, .. packed, .. numbers];
        Assert.HasCount(144, block);
        float[] expected =
        [
            .. Enumerable.Range(0, 256).Select(i =>
            {
                int sub = i / 32, number = sub % 2 == 0 ? i % 16 : 15 - (i % 16);
                return (0.5f * scales[sub] * number) - (0.25f * minimums[sub]);
            }),
        ];
        Decoded(expected, block, GgmlBlocks.DecodeQ4_K);
    }

    /// <summary>Numbers that lie at known places only: in each half of the block the four runs of 32 take 1, 20, 35 and 63.</summary>
    [TestMethod]
    public void Q6_K_has_four_lower_and_two_upper_bits()
    {
        // 1 = 00 0001, 20 = 01 0100, 35 = 10 0011, 63 = 11 1111; runs 0 and 2 share the first 32 bytes, 1 and 3 the others
        byte[] lower = [.. Enumerable.Repeat((byte)0x31, 32), .. Enumerable.Repeat((byte)0xf4, 32)];
        byte[] upper = [.. Enumerable.Repeat((byte)0b11_10_01_00, 32)];
        sbyte[] scales = [1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, -5, -6, -7, -128];
        byte[] block = [.. lower, .. lower, .. upper, .. upper, .. scales.Select(scale => (byte)scale), 0x00, 0x38];
        Assert.HasCount(210, block);
        int[] numbers = [1 - 32, 20 - 32, 35 - 32, 63 - 32];
        float[] expected = [.. Enumerable.Range(0, 256).Select(i => 0.5f * scales[i / 16] * numbers[i % 128 / 32])];
        Decoded(expected, block, GgmlBlocks.DecodeQ6_K);
    }

    [TestMethod]
    public void Q6_K_keeps_the_order_within_a_run()
    {
        byte[] lower = [.. Enumerable.Range(0, 128).Select(i => (byte)(i % 16))]; // runs 0 and 1 count; 2 and 3 are 0
        byte[] block = [.. lower, .. new byte[64], .. Enumerable.Repeat((byte)1, 16), 0x00, 0x3c];
        float[] expected = [.. Enumerable.Range(0, 256).Select(i => i % 128 < 64 ? (i % 16) - 32f : -32f)];
        Decoded(expected, block, GgmlBlocks.DecodeQ6_K);
    }

    [TestMethod]
    public void Q8_0_is_written_with_the_largest_value_as_127()
    {
        float[] values = new float[32];
        (values[0], values[1], values[2], values[3]) = (-254, 127, 1, -3); // scale 2: -127, 63.5, 0.5, -1.5, halves away from 0
        byte[] block = new byte[34];
        GgmlBlocks.EncodeQ8_0(values, block);
        CollectionAssert.AreEqual(new byte[] { 0x00, 0x40, 129, 64, 1, 254 }, block[..6]);
        Assert.IsTrue(block[6..].All(number => number == 0));
        GgmlBlocks.EncodeQ8_0(new float[32], block);
        Assert.IsTrue(block.All(number => number == 0));
    }

    private static void Decoded(float[] expected, byte[] block, GgmlType.BlockDecoder decode)
    {
        float[] values = new float[expected.Length];
        decode(block, values);
        Close.Absolute(expected, values, 0);
    }
}
