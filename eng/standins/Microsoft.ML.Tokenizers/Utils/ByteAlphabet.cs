using System.Buffers;
using System.Text;

namespace Microsoft.ML.Tokenizers;

/// <summary>GPT-2's printable stand-ins for the 256 byte values.</summary>
internal static class ByteAlphabet
{
    public static readonly char[] CharOfByte = new char[256];

    public static readonly Dictionary<char, byte> ByteOfChar = [];

    static ByteAlphabet()
    {
        int next = 256;
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            CharOfByte[b] = (char)(printable ? b : next++);
            ByteOfChar[CharOfByte[b]] = (byte)b;
        }
    }

    /// <summary>UTF-8 of the text, one stand-in per byte, and for each the index of the UTF-16 unit it comes from. Lone surrogates become three bytes.</summary>
    public static ReadOnlySpan<char> Transform(ReadOnlySpan<char> text, out int[] sources)
    {
        char[] letters = new char[text.Length * 3];
        sources = new int[letters.Length];
        Span<byte> bytes = stackalloc byte[4];
        int length = 0;
        for (int at = 0, used; at < text.Length; at += used)
        {
            if (text[at] < 0x80)
            {
                (letters[length], sources[length]) = (CharOfByte[text[at]], at);
                (length, used) = (length + 1, 1);
                continue;
            }
            int count = 3;
            if (Rune.DecodeFromUtf16(text[at..], out Rune rune, out used) == OperationStatus.Done)
                count = rune.EncodeToUtf8(bytes);
            else
                (bytes[0], bytes[1], bytes[2], used) = ((byte)(0xE0 | (text[at] >> 12)), (byte)(0x80 | ((text[at] >> 6) & 0x3F)), (byte)(0x80 | (text[at] & 0x3F)), 1);
            foreach (byte value in bytes[..count])
                (letters[length], sources[length++]) = (CharOfByte[value], at);
        }
        return letters.AsSpan(0, length);
    }

    /// <summary>The bytes that a token's letters stand for; a letter outside of the alphabet gives its own UTF-8.</summary>
    public static void Append(ReadOnlySpan<char> token, List<byte> bytes)
    {
        Span<byte> buffer = stackalloc byte[4];
        for (int i = 0; i < token.Length; i++)
        {
            if (ByteOfChar.TryGetValue(token[i], out byte value))
            {
                bytes.Add(value);
                continue;
            }
            Rune.DecodeFromUtf16(token[i..], out Rune rune, out int used);
            int count = rune.EncodeToUtf8(buffer);
            bytes.AddRange(buffer[..count]);
            i += used - 1;
        }
    }

    /// <summary>Whole characters at the front of the bytes; false when the bytes cannot be UTF-8. What is left over may be the start of a character.</summary>
    public static bool TryWholeChars(ReadOnlySpan<byte> utf8, Span<char> chars, out int bytesConsumed, out int charsWritten)
    {
        bytesConsumed = charsWritten = 0;
        while (bytesConsumed < utf8.Length)
        {
            byte first = utf8[bytesConsumed];
            int more = first < 0x80 ? 0 : (first & 0xE0) == 0xC0 ? 1 : (first & 0xF0) == 0xE0 ? 2 : (first & 0xF8) == 0xF0 ? 3 : -1;
            if (more < 0)
                return false;
            if (bytesConsumed + more >= utf8.Length)
                return true;
            int code = more == 0 ? first : first & (0x3F >> more);
            for (int i = 1; i <= more; i++)
            {
                if ((utf8[bytesConsumed + i] & 0xC0) != 0x80)
                    return false;
                code = (code << 6) | (utf8[bytesConsumed + i] & 0x3F);
            }
            bytesConsumed += more + 1;
            if (code > 0xFFFF)
            {
                chars[charsWritten++] = (char)(0xD800 + ((code - 0x10000) >> 10));
                code = 0xDC00 + (code & 0x3FF);
            }
            chars[charsWritten++] = (char)code;
        }
        return true;
    }
}
