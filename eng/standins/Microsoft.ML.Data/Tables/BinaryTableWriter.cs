using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Writes a view as ML.NET's binary table: header, blocks, where they lie, annotations, table of contents, tail.</summary>
internal sealed class BinaryTableWriter
{
    public const ulong FirstBytes = 0x00425644004C4D43;
    public const ulong LastBytes = 0x434D4C0044564200;
    public const ulong Version = 0x0001000100010006;
    public const int HeaderSize = 256;
    public const byte Uncompressed = 0;
    public const byte Deflated = 1;

    private const int RowsPerBlock = 1 << 13;

    private static readonly MethodInfo OpenBlocks = typeof(BinaryTableWriter).GetMethod(nameof(BlocksOf), BindingFlags.NonPublic | BindingFlags.Static);
    private static readonly MethodInfo OpenAnnotation = typeof(BinaryTableWriter).GetMethod(nameof(EncodeAnnotation), BindingFlags.NonPublic | BindingFlags.Static);

    private readonly BinaryWriter _writer;
    private readonly Stream _stream;

    private BinaryTableWriter(Stream stream)
    {
        _stream = stream;
        _writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
    }

    /// <summary>Writes the columns whose types can be written; <paramref name="stream"/> must be at its start and seekable.</summary>
    public static void Write(IChannel channel, IDataView view, Stream stream, bool keepHidden)
    {
        var columns = new List<(DataViewSchema.Column Column, ValueCodec Codec)>();
        foreach (DataViewSchema.Column column in view.Schema.Where(column => keepHidden || !column.IsHidden))
        {
            if (ValueCodec.OrNull(column.Type) is ValueCodec codec)
                columns.Add((column, codec));
            else
                channel.Info(MessageSensitivity.Schema, "The column '{0}' will not be written as it has unsavable column type.", column.Name);
        }
        Guard.That(columns.Count > 0, "No valid columns to save", channel);
        new BinaryTableWriter(stream).Write(channel, view, columns);
    }

    private void Write(IChannel channel, IDataView view, List<(DataViewSchema.Column Column, ValueCodec Codec)> columns)
    {
        _writer.Write(new byte[HeaderSize]);
        var lookups = new List<(long Offset, int Length, int Plain)>[columns.Count];
        long rows = WriteRows(view, columns, lookups, out int rowsPerBlock);
        long[] lookupOffsets = [.. lookups.Select(WriteLookup)];
        long[] annotationOffsets = [.. columns.Select(column => WriteAnnotations(channel, column.Column))];
        long contents = Position;
        for (int i = 0; i < columns.Count; i++)
        {
            _writer.Write(columns[i].Column.Name);
            columns[i].Codec.WriteDefinition(_writer);
            _writer.Write(Deflated);
            _writer.Write7BitEncodedInt64(rowsPerBlock);
            _writer.Write(lookupOffsets[i]);
            _writer.Write(annotationOffsets[i]);
        }
        long tail = Position;
        _writer.Write(LastBytes);
        WriteHeader(contents, tail, rows, columns.Count);
        _writer.Flush();
    }

    private long Position
    {
        get
        {
            _writer.Flush();
            return _stream.Position;
        }
    }

    private void WriteHeader(long contents, long tail, long rows, int columns)
    {
        long end = Position;
        _stream.Position = 0;
        _writer.Write(FirstBytes);
        _writer.Write(Version);
        _writer.Write(Version);
        _writer.Write(contents);
        _writer.Write(tail);
        _writer.Write(rows);
        _writer.Write(columns);
        _writer.Flush();
        _stream.Position = end;
    }

    private long WriteRows(IDataView view, List<(DataViewSchema.Column Column, ValueCodec Codec)> columns, List<(long, int, int)>[] lookups, out int rowsPerBlock)
    {
        using DataViewRowCursor cursor = view.GetRowCursor(columns.Select(column => column.Column));
        BlockWriter[] blocks = [.. columns.Select(column => (BlockWriter)Getters.Call(OpenBlocks, null, column.Column.Type.RawType, cursor, column.Column, column.Codec))];
        for (int i = 0; i < lookups.Length; i++)
            lookups[i] = [];
        long rows = 0;
        while (cursor.MoveNext())
        {
            foreach (BlockWriter block in blocks)
                block.Add();
            if (++rows % RowsPerBlock == 0)
                WriteBlocks(blocks, lookups);
        }
        if (rows % RowsPerBlock != 0)
            WriteBlocks(blocks, lookups);
        rowsPerBlock = rows == 0 ? 1 : RowsPerBlock;
        return rows;
    }

    private void WriteBlocks(BlockWriter[] blocks, List<(long, int, int)>[] lookups)
    {
        for (int i = 0; i < blocks.Length; i++)
        {
            byte[] plain = blocks[i].Encode();
            byte[] packed = Deflate(plain);
            lookups[i].Add((Position, packed.Length, plain.Length));
            _writer.Write(packed);
        }
    }

    private long WriteLookup(List<(long Offset, int Length, int Plain)> lookup)
    {
        long start = Position;
        foreach ((long offset, int length, int plain) in lookup)
        {
            _writer.Write(offset);
            _writer.Write(length);
            _writer.Write(plain);
        }
        return start;
    }

    /// <summary>Returns where the table of the column's annotations starts, 0 when it has none.</summary>
    private long WriteAnnotations(IChannel channel, DataViewSchema.Column column)
    {
        var written = new List<(string Kind, ValueCodec Codec, byte Compression, long Offset, long Length)>();
        foreach (DataViewSchema.Column annotation in column.Annotations.Schema)
        {
            ValueCodec codec = ValueCodec.OrNull(annotation.Type);
            if (codec is null)
            {
                channel.Warning($"Could not get codec for type {annotation.Type}, dropping column '{column.Name}' index {column.Index} metadata kind '{annotation.Name}'");
                continue;
            }
            byte[] plain = (byte[])Getters.Call(OpenAnnotation, null, annotation.Type.RawType, column.Annotations, annotation, codec);
            byte[] packed = Deflate(plain);
            bool isPacked = packed.Length < plain.Length;
            long start = Position;
            _writer.Write(isPacked ? packed : plain);
            written.Add((annotation.Name, codec, isPacked ? Deflated : Uncompressed, start, Position - start));
        }
        if (written.Count == 0)
            return 0;
        long table = Position;
        _writer.Write7BitEncodedInt64(written.Count);
        foreach ((string kind, ValueCodec codec, byte compression, long offset, long length) in written)
        {
            _writer.Write(kind);
            codec.WriteDefinition(_writer);
            _writer.Write(compression);
            _writer.Write(offset);
            _writer.Write7BitEncodedInt64(length);
        }
        return table;
    }

    private static byte[] EncodeAnnotation<T>(DataViewSchema.Annotations annotations, DataViewSchema.Column annotation, ValueCodec codec)
    {
        T value = default;
        annotations.GetGetter<T>(annotation)(ref value);
        return Encode((ValueCodec<T>)codec, [value]);
    }

    private static BlockWriter BlocksOf<T>(DataViewRow row, DataViewSchema.Column column, ValueCodec codec) =>
        new BlockWriter<T>(row.GetGetter<T>(column), (ValueCodec<T>)codec);

    private static byte[] Encode<T>(ValueCodec<T> codec, IReadOnlyList<T> values)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory, Encoding.UTF8);
        codec.WriteBlock(writer, values);
        writer.Flush();
        return memory.ToArray();
    }

    private static byte[] Deflate(byte[] plain)
    {
        using var memory = new MemoryStream();
        using (var deflate = new DeflateStream(memory, CompressionMode.Compress, leaveOpen: true))
            deflate.Write(plain);
        return memory.ToArray();
    }

    /// <summary>Collects the values of one column until the block is full.</summary>
    private abstract class BlockWriter
    {
        public abstract void Add();

        public abstract byte[] Encode();
    }

    private sealed class BlockWriter<T>(ValueGetter<T> getter, ValueCodec<T> codec) : BlockWriter
    {
        private readonly List<T> _values = [];

        public override void Add()
        {
            // A fresh value each time: vectors must not share their arrays.
            T value = default;
            getter(ref value);
            _values.Add(value);
        }

        public override byte[] Encode()
        {
            byte[] bytes = BinaryTableWriter.Encode(codec, _values);
            _values.Clear();
            return bytes;
        }
    }
}
