using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using static Microsoft.ML.Trl.Checkpoints.FileBytes;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Reads the values of a GGUF file's header, one after the other. Nothing is allocated that the file cannot hold.</summary>
internal sealed class GgufReader
{
    private const uint TextType = 8, ArrayType = 9;
    private const int DeepestArray = 4;

    /// <summary>Fewest bytes of a value, by the number of its type.</summary>
    private static readonly int[] Sizes = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly long _length;
    private readonly byte[] _buffer;
    private long _bufferEnd;
    private int _start, _end;

    public GgufReader(SafeFileHandle handle, string path)
    {
        (_handle, _path, _length) = (handle, path, RandomAccess.GetLength(handle));
        _buffer = new byte[Math.Min(_length, 1 << 16)];
    }

    /// <summary>Bytes read so far.</summary>
    public long Position => _bufferEnd - (_end - _start);

    private long Left => _length - Position;

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    /// <summary>A whole number that fits into 63 bits.</summary>
    /// <param name="what">What it is, for messages.</param>
    public long Number(string what)
    {
        long number = BinaryPrimitives.ReadInt64LittleEndian(Take(8));
        return number >= 0 ? number : throw Broken(_path, $"its {what} is {(ulong)number}, more than any file can have");
    }

    /// <summary>How many values follow.</summary>
    /// <param name="least">Fewest bytes of each.</param>
    /// <param name="what">What they are, for messages.</param>
    public int Count(int least, string what)
    {
        ulong count = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
        return count <= (ulong)(Left / least) && count <= int.MaxValue
            ? (int)count
            : throw Broken(_path, $"it claims {count} {what}, but only {Left} bytes follow");
    }

    public string Text()
    {
        int length = Count(1, "bytes of a text");
        if (length <= _buffer.Length)
            return Encoding.UTF8.GetString(Take(length));
        byte[] bytes = new byte[length];
        FileBytes.Read(_handle, bytes, Position, _path, "a text");
        _bufferEnd = Position + length;
        _start = _end = 0;
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>A value behind its type: long, double, bool, string, or an array of long, double, string or objects.</summary>
    public object Value() => Value(U32(), 0);

    private object Value(uint type, int depth) => type switch
    {
        0 => (long)Take(1)[0],
        1 => (long)(sbyte)Take(1)[0],
        2 => (long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)),
        3 => (long)BinaryPrimitives.ReadInt16LittleEndian(Take(2)),
        4 => (long)U32(),
        5 => (long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)),
        6 => (double)BinaryPrimitives.ReadSingleLittleEndian(Take(4)),
        7 => Take(1)[0] is var flag && flag <= 1 ? flag == 1 : throw Broken(_path, $"a truth value in its metadata is {flag}, not 0 or 1"),
        TextType => Text(),
        ArrayType => Array(depth + 1),
        10 => Number("number in the metadata"),
        11 => BinaryPrimitives.ReadInt64LittleEndian(Take(8)),
        12 => BinaryPrimitives.ReadDoubleLittleEndian(Take(8)),
        _ => throw Broken(_path, $"its metadata has a value of the unknown type {type}"),
    };

    private object Array(int depth)
    {
        uint type = U32();
        if (type >= Sizes.Length)
            throw Broken(_path, $"its metadata has an array of the unknown type {type}");
        if (depth > DeepestArray)
            throw Broken(_path, $"its metadata nests arrays deeper than {DeepestArray} levels");
        int count = Count(Sizes[type], "values of an array");
        return type switch
        {
            TextType => Fill<string>(count, type, depth),
            6 or 12 => Fill<double>(count, type, depth),
            7 => Fill<bool>(count, type, depth),
            ArrayType => Fill<object>(count, type, depth),
            _ => Fill<long>(count, type, depth),
        };
    }

    private T[] Fill<T>(int count, uint type, int depth)
    {
        var values = new T[count];
        for (int i = 0; i < count; i++)
            values[i] = (T)Value(type, depth);
        return values;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > Left)
            throw Broken(_path, "it ends in the middle of its header; it was cut off");
        if (count > _end - _start)
        {
            long position = Position;
            int fill = (int)Math.Min(_buffer.Length, Left);
            FileBytes.Read(_handle, _buffer.AsSpan(0, fill), position, _path, "its header");
            (_start, _end, _bufferEnd) = (0, fill, position + fill);
        }
        _start += count;
        return _buffer.AsSpan(_start - count, count);
    }
}
