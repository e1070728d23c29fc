namespace Microsoft.ML.Trl.Generation.Constraints;

/// <summary>Bytes from one value to another, both included.</summary>
internal readonly record struct ByteRange(byte Low, byte High);

/// <summary>Ranges of characters as sequences of byte ranges in UTF-8 (RFC 3629).</summary>
internal static class Utf8Ranges
{
    private static readonly (CodeRange Range, int Length)[] Lengths = // without surrogates, which have no bytes
    [
        (new(0, 0x7F), 1), (new(0x80, 0x7FF), 2), (new(0x800, 0xD7FF), 3), (new(0xE000, 0xFFFF), 3), (new(0x10000, 0x10FFFF), 4),
    ];

    /// <summary>Sequences that hold the bytes of each character of a range, and no others.</summary>
    public static IEnumerable<ByteRange[]> Of(CodeRange range) => Lengths
        .Select(part => (Low: Math.Max(range.Low, part.Range.Low), High: Math.Min(range.High, part.Range.High), part.Length))
        .Where(part => part.Low <= part.High)
        .SelectMany(part => Split(part.Low, part.High, part.Length));

    /// <summary>
    /// A range is one sequence where, from the first byte in which its bounds differ, all that follows runs from its least to its greatest.
    /// Elsewhere it is cut.
    /// </summary>
    private static IEnumerable<ByteRange[]> Split(int low, int high, int length)
    {
        for (int following = 1; following < length; following++)
        {
            int tail = (1 << (6 * following)) - 1; // the bits of the last bytes
            if ((low & ~tail) == (high & ~tail))
                continue;
            if ((low & tail) != 0)
                return [.. Split(low, low | tail, length), .. Split((low | tail) + 1, high, length)];
            if ((high & tail) != tail)
                return [.. Split(low, (high & ~tail) - 1, length), .. Split(high & ~tail, high, length)];
        }
        return [[.. Bytes(low, length).Zip(Bytes(high, length), (least, greatest) => new ByteRange(least, greatest))]];
    }

    private static byte[] Bytes(int code, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = length - 1; i > 0; i--, code >>= 6)
            bytes[i] = (byte)(0x80 | (code & 0x3F));
        bytes[0] = length == 1 ? (byte)code : (byte)((0xF00 >> length) & 0xFF | code);
        return bytes;
    }
}
