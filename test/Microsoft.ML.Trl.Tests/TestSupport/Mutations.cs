using System.Buffers.Binary;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Damaged variants of a file, each a function of its number.</summary>
internal static class Mutations
{
    private static readonly ulong[] Numbers =
    [
        0, 1, 7, 0x7f, 0xff, 0x7fff, 0xffff, int.MaxValue, uint.MaxValue, 1UL << 32, 1UL << 40, 1UL << 60, long.MaxValue, 1UL << 63,
        ulong.MaxValue,
    ];

    /// <summary>The file with one to four changes.</summary>
    /// <param name="file">Whole and small.</param>
    /// <param name="number">Which variant.</param>
    /// <param name="start">Half of the changes lie in so many bytes at the start.</param>
    public static byte[] Of(byte[] file, int number, int start)
    {
        var random = new Random(number);
        byte[] changed = [.. file];
        for (int left = random.Next(1, 5); left > 0 && changed.Length > 0; left--)
            changed = Change(changed, random, random.Next(random.Next(2) == 0 ? Math.Min(start, changed.Length) : changed.Length));
        return changed;
    }

    private static byte[] Change(byte[] bytes, Random random, int at)
    {
        int length = random.Next(1, 17), end = Math.Min(bytes.Length, at + length);
        switch (random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2 when at + 4 <= bytes.Length:
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), (uint)Numbers[random.Next(Numbers.Length)]);
                return bytes;
            case 3 when at + 8 <= bytes.Length:
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), Numbers[random.Next(Numbers.Length)]);
                return bytes;
            case 4:
                return [.. bytes[..at], .. bytes[end..]];
            case 5:
                return [.. bytes[..end], .. bytes[at..]];
            case 6:
                return bytes[..at];
            case 7:
                int other = random.Next(bytes.Length);
                return [.. bytes[..at], .. bytes[other..Math.Min(bytes.Length, other + length)], .. bytes[at..]];
            default:
                random.NextBytes(bytes.AsSpan(at..end));
                return bytes;
        }
    }
}
