using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>The letters that byte-level vocabularies write for the 256 byte values (GPT-2's encoder.py): "Ġ" is a blank.</summary>
internal static class ByteAlphabet
{
    private const int Letters = 0x144; // 256 values, of which 68 move behind U+00FF

    private static readonly char[] LetterOfByte = new char[256];
    private static readonly short[] ByteOfLetter = new short[Letters];

    static ByteAlphabet()
    {
        ByteOfLetter.AsSpan().Fill(-1);
        int moved = 256;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            LetterOfByte[value] = (char)(printable ? value : moved++);
            ByteOfLetter[LetterOfByte[value]] = (short)value;
        }
    }

    /// <summary>The 256 letters in the order of the letters themselves, as trainers number them.</summary>
    public static IEnumerable<char> InLetterOrder => LetterOfByte.Order();

    public static string Write(ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return Write(bytes);
    }

    public static string Write(ReadOnlySpan<byte> bytes)
    {
        Span<char> letters = bytes.Length <= 128 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
            letters[i] = LetterOfByte[bytes[i]];
        return new string(letters);
    }

    /// <summary>The bytes of a token. A token with any character outside of the alphabet stands for its own text.</summary>
    public static byte[] Read(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            int value = token[i] < Letters ? ByteOfLetter[token[i]] : -1;
            if (value < 0)
                return Encoding.UTF8.GetBytes(token);
            bytes[i] = (byte)value;
        }
        return bytes;
    }
}
