using System.Text;

namespace Microsoft.ML.Trl.Support;

/// <summary>Reads texts of other people's files: UTF-8, whole, and never more than was said and is sane.</summary>
internal static class BoundedText
{
    /// <summary>Most bytes of a configuration.</summary>
    public const int Small = 1 << 24;

    /// <summary>Most bytes of a tokenizer's file or of an index of shards; the largest known have a fifth.</summary>
    public const int Large = 1 << 28;

    /// <summary>Most bytes of a text that grows with training: as much as a string can hold.</summary>
    public const int Huge = 1 << 30;

    private const int FirstBlock = 1 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A file's text.</summary>
    /// <exception cref="InvalidDataException">It is longer than allowed, or no UTF-8 text.</exception>
    public static string ReadFile(string path, int limit)
    {
        using FileStream stream = File.OpenRead(path);
        return Read(stream, stream.Length, limit, $"'{path}'");
    }

    /// <summary>A file's bytes.</summary>
    /// <exception cref="InvalidDataException">It is longer than allowed.</exception>
    public static byte[] ReadFileBytes(string path, int limit)
    {
        using FileStream stream = File.OpenRead(path);
        return ReadBytes(stream, stream.Length, limit, $"'{path}'");
    }

    /// <summary>A stream's text.</summary>
    /// <param name="stream">Read from where it stands.</param>
    /// <param name="length">Bytes that it is said to hold.</param>
    /// <param name="limit">Most bytes allowed.</param>
    /// <param name="what">What it is, for messages.</param>
    /// <exception cref="InvalidDataException">It is longer than allowed, of another length than said, or no UTF-8 text.</exception>
    public static string Read(Stream stream, long length, int limit, string what)
    {
        byte[] bytes = ReadBytes(stream, length, limit, what);
        try
        {
            int start = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0; // a byte order mark
            return Strict.GetString(bytes.AsSpan(start));
        }
        catch (DecoderFallbackException cause)
        {
            throw new InvalidDataException($"{what} is not UTF-8 text: {cause.Message}", cause);
        }
    }

    private static byte[] ReadBytes(Stream stream, long length, int limit, string what)
    {
        if (length > limit)
            throw new InvalidDataException(
                $"{what} has {length} bytes; at most {limit} are read. Is it what its name says? Save or download it again.");
        byte[] bytes = new byte[Math.Min(length, FirstBlock)]; // the length is only said: there may be far less
        int count = 0;
        while ((count += stream.ReadAtLeast(bytes.AsSpan(count), bytes.Length - count, throwOnEndOfStream: false)) == bytes.Length
            && count < length)
            Array.Resize(ref bytes, (int)Math.Min(length, 2L * count));
        if (count < length || stream.ReadByte() >= 0)
            throw new InvalidDataException($"{what} is damaged: it does not have the {length} bytes that it should.");
        return bytes;
    }
}
