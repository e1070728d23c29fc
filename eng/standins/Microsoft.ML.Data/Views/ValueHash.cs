using System.Numerics;

namespace Microsoft.ML.Data;

/// <summary>Hashes of column values as ML.NET's splits compute them: 0 is missing, otherwise 1 up to the number of keys.</summary>
internal static class ValueHash
{
    public const int Bits = 30;

    private const uint Mask = (1u << Bits) - 1;

    public static uint OfScalar<T>(uint seed, T value, bool isKey)
    {
        uint hash = seed;
        if (!TryRound(ref hash, value, isKey))
            return 0;
        return ((value is ReadOnlyMemory<char> ? hash : Hashes.Mix(hash, value is DataViewRowId ? 16 : SizeOf<T>())) & Mask) + 1;
    }

    public static uint OfVector<T>(uint seed, VBuffer<T> values, bool isKey)
    {
        uint hash = seed;
        foreach (T value in values.DenseValues())
        {
            if (!TryRound(ref hash, value, isKey))
                return 0;
        }
        return ((typeof(T) == typeof(ReadOnlyMemory<char>) ? hash : Hashes.Mix(hash, values.Length * SizeOf<T>())) & Mask) + 1;
    }

    /// <summary>Murmur over the bytes of a pseudo UTF-8 form, in the order in which ML.NET packs them.</summary>
    public static uint OfText(uint hash, ReadOnlySpan<char> text)
    {
        int length = 0;
        ulong pending = 0;
        int bits = 0;
        foreach (char character in text)
        {
            uint code = character;
            if (code <= 0x7F)
            {
                pending |= (ulong)code << bits;
                bits += 8;
            }
            else if (code <= 0x7FF)
            {
                pending |= (ulong)((code & 0x3F) | ((code << 2) & 0x1F00) | 0xC080) << bits;
                pending = ((pending & 0xFF) << 8) | (pending >> 8);
                bits += 16;
            }
            else
            {
                pending |= (ulong)((code & 0x3F) | ((code << 2) & 0x3F00) | ((code << 4) & 0x0F0000) | 0xE08080) << bits;
                pending = ((pending & 0xFF) << 16) | (((pending >> 8) & 0xFF) << 8) | (pending >> 16);
                bits += 24;
            }
            if (bits < 32)
                continue;
            hash = Hashes.Round(hash, (uint)pending);
            pending >>= 32;
            bits -= 32;
            length += 4;
        }
        length += bits / 8;
        int tail = length & 3;
        if (tail > 0)
        {
            uint rest = (uint)pending & ((1u << (8 * tail)) - 1);
            hash ^= BitOperations.RotateLeft(rest * 0xCC9E2D51, 15) * 0x1B873593;
        }
        return Hashes.Mix(hash, length);
    }

    private static int SizeOf<T>() => typeof(T) == typeof(long) || typeof(T) == typeof(ulong) || typeof(T) == typeof(double) ? 8 : 4;

    /// <summary>False for a missing value: NaN, empty text, key 0.</summary>
    private static bool TryRound<T>(ref uint hash, T value, bool isKey)
    {
        switch (value)
        {
            case ReadOnlyMemory<char> text:
                if (text.IsEmpty)
                    return false;
                hash = OfText(hash, text.Span.Trim(' '));
                return true;
            case float number:
                if (float.IsNaN(number))
                    return false;
                hash = Hashes.Round(hash, BitConverter.SingleToUInt32Bits(number == 0 ? 0 : number));
                return true;
            case double number:
                if (double.IsNaN(number))
                    return false;
                hash = Round(hash, BitConverter.DoubleToUInt64Bits(number == 0 ? 0 : number));
                return true;
            case ulong number:
                hash = Round(hash, number);
                return !isKey || number != 0;
            case long number:
                hash = Round(hash, (ulong)number);
                return true;
            case DataViewRowId id:
                hash = Hashes.Round(hash, (uint)id.Low);
                return true;
            default:
                uint word = Word(value);
                hash = Hashes.Round(hash, word);
                return !isKey || word != 0;
        }
    }

    private static uint Round(uint hash, ulong value) => Hashes.Round(Hashes.Round(hash, (uint)value), (uint)(value >> 32));

    private static uint Word<T>(T value) => value switch
    {
        byte number => number,
        ushort number => number,
        uint number => number,
        sbyte number => (uint)number,
        short number => (uint)number,
        int number => (uint)number,
        bool flag => flag ? 1u : 0u,
        _ => throw Fail.NotSupported($"Values of type {typeof(T)} cannot be hashed."),
    };
}
