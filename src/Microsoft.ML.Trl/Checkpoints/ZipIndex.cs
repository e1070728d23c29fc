using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using static Microsoft.ML.Trl.Checkpoints.FileBytes;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>One entry of a zip file that is stored as it is.</summary>
/// <param name="Offset">First byte of its content, counted from the start of the file.</param>
/// <param name="Length">Bytes of its content; they lie within the file and overlap no other entry's.</param>
internal sealed record ZipRange(long Offset, long Length);

/// <summary>
/// Where the entries of a zip file lie, so that their bytes can be read in place, which the class of the framework does not tell. Zip64
/// included, compression not. The file is not trusted.
/// </summary>
/// <remarks>Format: PKWARE's APPNOTE.TXT, 4.3.</remarks>
internal static class ZipIndex
{
    private const uint LocalHeader = 0x04034b50, DirectoryEntry = 0x02014b50, End = 0x06054b50, End64 = 0x06064b50, Locator64 = 0x07064b50;
    private const int LocalLength = 30, EntryLength = 46, EndLength = 22, End64Length = 56, LocatorLength = 20;
    private const ushort Zip64Field = 1, EncryptedFlag = 1;

    /// <summary>Whether a file begins as a zip file does.</summary>
    public static bool IsZip(ReadOnlySpan<byte> start) => start.Length >= 4 && U32(start, 0) == LocalHeader;

    /// <summary>The entries by name.</summary>
    /// <exception cref="InvalidDataException">The table of contents is damaged.</exception>
    /// <exception cref="NotSupportedException">An entry is compressed or encrypted.</exception>
    public static IReadOnlyDictionary<string, ZipRange> Read(SafeFileHandle handle, string path)
    {
        (long offset, long length) = FindDirectory(handle, path);
        byte[] directory = new byte[checked((int)length)];
        FileBytes.Read(handle, directory, offset, path, "the table of contents");
        Dictionary<string, ZipRange> entries = new(StringComparer.Ordinal);
        for (ReadOnlySpan<byte> rest = directory; !rest.IsEmpty;)
        {
            if (rest.Length < EntryLength || U32(rest, 0) != DirectoryEntry)
                throw Broken(path, "its table of contents is damaged");
            int name = U16(rest, 28), extra = U16(rest, 30), size = EntryLength + name + extra + U16(rest, 32);
            if (size > rest.Length)
                throw Broken(path, "the last entry of its table of contents is cut off");
            string text = Encoding.UTF8.GetString(rest.Slice(EntryLength, name));
            ZipRange range = Locate(handle, rest[..EntryLength], rest.Slice(EntryLength + name, extra), text, path);
            if (range.Length > offset - range.Offset)
                throw Broken(path, $"entry '{text}' of {range.Length} bytes does not fit in front of the table of contents");
            if (!entries.TryAdd(text, range))
                throw Broken(path, $"it holds entry '{text}' twice");
            rest = rest[size..];
        }
        CheckOverlaps(entries, path);
        return entries;
    }

    private static (long Offset, long Length) FindDirectory(SafeFileHandle handle, string path)
    {
        long fileLength = RandomAccess.GetLength(handle);
        byte[] tail = new byte[Math.Min(fileLength, EndLength + ushort.MaxValue)];
        FileBytes.Read(handle, tail, fileLength - tail.Length, path, "its end");
        int at = tail.Length - EndLength;
        while (at >= 0 && !(U32(tail, at) == End && U16(tail, at + 20) == tail.Length - at - EndLength))
            at--;
        if (at < 0)
            throw Broken(path, "it has no table of contents at its end; it was cut off or is not a zip file");
        long end = fileLength - tail.Length + at, length = U32(tail, at + 12), offset = U32(tail, at + 16);
        if (length == uint.MaxValue || offset == uint.MaxValue || U16(tail, at + 10) == ushort.MaxValue)
            (offset, length, end) = FindDirectory64(handle, end, path);
        if (offset < 0 || length < 0 || length > BoundedText.Large || offset > end - length)
            throw Broken(path, $"its table of contents should lie at byte {offset} and have {length} bytes, which cannot be");
        return (offset, length);
    }

    private static (long Offset, long Length, long End) FindDirectory64(SafeFileHandle handle, long end, string path)
    {
        if (end < LocatorLength)
            throw Broken(path, "its table of contents is damaged");
        byte[] record = new byte[End64Length];
        FileBytes.Read(handle, record.AsSpan(0, LocatorLength), end - LocatorLength, path, "its end");
        long place = U64(record, 8);
        if (U32(record, 0) != Locator64 || place < 0 || place > end - LocatorLength - End64Length)
            throw Broken(path, "its table of contents is damaged");
        FileBytes.Read(handle, record, place, path, "its end");
        return U32(record, 0) == End64
            ? (U64(record, 48), U64(record, 40), place)
            : throw Broken(path, "its table of contents is damaged");
    }

    private static ZipRange Locate(SafeFileHandle handle, ReadOnlySpan<byte> entry, ReadOnlySpan<byte> extra, string name, string path)
    {
        if ((U16(entry, 8) & EncryptedFlag) != 0 || U16(entry, 10) != 0)
            throw new NotSupportedException(
                $"Entry '{name}' of '{path}' is compressed or encrypted, which torch.save never does; save it again with torch.save.");
        ReadOnlySpan<byte> wide = Zip64Values(extra);
        long length = Wide(U32(entry, 24), ref wide), packed = Wide(U32(entry, 20), ref wide), header = Wide(U32(entry, 42), ref wide);
        if (length < 0 || length != packed || header < 0 || header > RandomAccess.GetLength(handle) - LocalLength)
            throw Broken(path, $"entry '{name}' should begin at byte {header} and have {length} bytes, which cannot be");
        Span<byte> local = stackalloc byte[LocalLength];
        FileBytes.Read(handle, local, header, path, $"entry '{name}'");
        return U32(local, 0) == LocalHeader
            ? new ZipRange(header + LocalLength + U16(local, 26) + U16(local, 28), length)
            : throw Broken(path, $"there is no entry '{name}' at byte {header}");
    }

    /// <summary>A number of the table of contents; where it does not fit, its wide form is the next one of the zip64 field.</summary>
    private static long Wide(uint value, ref ReadOnlySpan<byte> wide)
    {
        if (value != uint.MaxValue || wide.Length < sizeof(long))
            return value;
        long next = U64(wide, 0);
        wide = wide[sizeof(long)..];
        return next;
    }

    private static ReadOnlySpan<byte> Zip64Values(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4 && U16(extra, 2) <= extra.Length - 4)
        {
            int size = U16(extra, 2);
            if (U16(extra, 0) == Zip64Field)
                return extra.Slice(4, size);
            extra = extra[(4 + size)..];
        }
        return [];
    }

    private static void CheckOverlaps(Dictionary<string, ZipRange> entries, string path)
    {
        long end = 0;
        foreach ((string name, ZipRange range) in entries.OrderBy(entry => entry.Value.Offset).ThenBy(entry => entry.Value.Length))
        {
            if (range.Offset < end)
                throw Broken(path, $"entry '{name}' overlaps the one before it");
            end = range.Offset + range.Length;
        }
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
}
