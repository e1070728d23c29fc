using System.Runtime.InteropServices;

namespace Microsoft.ML.Data;

/// <summary>Values as they lie in memory, little endian.</summary>
internal sealed class PlainCodec<T>(PrimitiveDataViewType type) : ValueCodec<T>(type, typeof(T).Name)
    where T : unmanaged
{
    public override void WriteBlock(BinaryWriter writer, IReadOnlyList<T> values) => writer.Write(MemoryMarshal.AsBytes<T>(values.ToArray()));

    public override T[] ReadBlock(BinaryReader reader, int count)
    {
        var values = new T[count];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}

/// <summary>Count, the end of each text in characters, and all texts in one string.</summary>
internal sealed class TextCodec() : ValueCodec<ReadOnlyMemory<char>>(TextDataViewType.Instance, "TextSpan")
{
    public override void WriteBlock(BinaryWriter writer, IReadOnlyList<ReadOnlyMemory<char>> values)
    {
        writer.Write(values.Count);
        int end = 0;
        foreach (ReadOnlyMemory<char> value in values)
            writer.Write(end += value.Length);
        writer.Write(string.Concat(values.Select(value => value.ToString())));
    }

    public override ReadOnlyMemory<char>[] ReadBlock(BinaryReader reader, int count)
    {
        Guard.Decoded(reader.ReadInt32() == count);
        int[] ends = [.. Enumerable.Range(0, count).Select(_ => reader.ReadInt32())];
        ReadOnlyMemory<char> all = reader.ReadString().AsMemory();
        var values = new ReadOnlyMemory<char>[count];
        int start = 0;
        for (int i = 0; i < count; i++)
        {
            // The top bit marked missing text once; that is empty text now.
            int end = ends[i] & int.MaxValue;
            values[i] = ends[i] < 0 ? default : all[start..end];
            start = end;
        }
        return values;
    }
}

/// <summary>Eight values per byte, lowest bit first.</summary>
internal sealed class BooleanCodec() : ValueCodec<bool>(BooleanDataViewType.Instance, nameof(Boolean))
{
    public override void WriteBlock(BinaryWriter writer, IReadOnlyList<bool> values)
    {
        var bytes = new byte[(values.Count + 7) / 8];
        for (int i = 0; i < values.Count; i++)
        {
            if (values[i])
                bytes[i / 8] |= (byte)(1 << (i % 8));
        }
        writer.Write(bytes);
    }

    public override bool[] ReadBlock(BinaryReader reader, int count)
    {
        byte[] bytes = reader.ReadBytes((count + 7) / 8);
        return [.. Enumerable.Range(0, count).Select(i => (bytes[i / 8] >> (i % 8) & 1) != 0)];
    }
}

/// <summary>Ticks; the kind of the time is lost.</summary>
internal sealed class DateTimeCodec() : ValueCodec<DateTime>(DateTimeDataViewType.Instance, nameof(DateTime))
{
    public override void WriteBlock(BinaryWriter writer, IReadOnlyList<DateTime> values)
    {
        foreach (DateTime value in values)
            writer.Write(value.Ticks);
    }

    public override DateTime[] ReadBlock(BinaryReader reader, int count) => [.. Enumerable.Range(0, count).Select(_ => FromTicks(reader.ReadInt64()))];

    // The smallest number marked missing times once.
    internal static DateTime FromTicks(long ticks) => new(ticks == long.MinValue ? 0 : ticks);
}

/// <summary>All offsets in minutes, then the ticks of all local times.</summary>
internal sealed class DateTimeOffsetCodec() : ValueCodec<DateTimeOffset>(DateTimeOffsetDataViewType.Instance, nameof(DateTimeOffset))
{
    public override void WriteBlock(BinaryWriter writer, IReadOnlyList<DateTimeOffset> values)
    {
        foreach (DateTimeOffset value in values)
            writer.Write((short)value.Offset.TotalMinutes);
        foreach (DateTimeOffset value in values)
            writer.Write(value.DateTime.Ticks);
    }

    public override DateTimeOffset[] ReadBlock(BinaryReader reader, int count)
    {
        short[] minutes = [.. Enumerable.Range(0, count).Select(_ => reader.ReadInt16())];
        return [.. minutes.Select(offset => new DateTimeOffset(DateTimeCodec.FromTicks(reader.ReadInt64()), TimeSpan.FromMinutes(offset == short.MinValue ? 0 : offset)))];
    }
}

/// <summary>Keys as the numbers that they are.</summary>
internal sealed class KeyCodec<T>(KeyDataViewType type) : ValueCodec<T>(type, "Key2")
    where T : unmanaged
{
    private readonly PlainCodec<T> _numbers = new(BuiltInTypes.Of(typeof(T)));

    public override void WriteBlock(BinaryWriter writer, IReadOnlyList<T> values) => _numbers.WriteBlock(writer, values);

    public override T[] ReadBlock(BinaryReader reader, int count) => _numbers.ReadBlock(reader, count);

    protected override void WriteParameters(BinaryWriter writer)
    {
        _numbers.WriteDefinition(writer);
        writer.Write(type.Count);
    }
}
