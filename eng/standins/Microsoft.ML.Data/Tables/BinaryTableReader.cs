using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Reads ML.NET's binary tables. Columns and annotations in codecs that are not known here are left out.</summary>
internal sealed class BinaryTableReader
{
    private static readonly MethodInfo OpenAnnotation = typeof(BinaryTableReader).GetMethod(nameof(AddAnnotation), BindingFlags.NonPublic | BindingFlags.Static);

    private readonly BinaryReader _reader;
    private readonly Stream _stream;
    private readonly List<TableColumn> _columns = [];

    public BinaryTableReader(IHostEnvironment env, Stream stream)
    {
        _stream = stream;
        _reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        Guard.Decoded(stream.Length >= BinaryTableWriter.HeaderSize, "Not a binary table: too short", env);
        Guard.Decoded(_reader.ReadUInt64() == BinaryTableWriter.FirstBytes, "This does not appear to be a binary dataview file", env);
        _reader.ReadUInt64();
        Guard.Decoded(_reader.ReadUInt64() <= BinaryTableWriter.Version, "Binary table was written by a newer version", env);
        long contents = _reader.ReadInt64();
        long tail = _reader.ReadInt64();
        RowCount = _reader.ReadInt64();
        int count = _reader.ReadInt32();
        stream.Position = tail;
        Guard.Decoded(_reader.ReadUInt64() == BinaryTableWriter.LastBytes, "Incorrect tail signature", env);
        stream.Position = contents;
        var builder = new DataViewSchema.Builder();
        foreach ((string name, TableColumn column, long annotations) in ReadContents(count))
        {
            if (column.Codec is null)
                continue;
            _columns.Add(column);
            builder.AddColumn(name, column.Codec.Type, ReadAnnotations(annotations));
        }
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public long RowCount { get; }

    /// <summary>Rows of every block but the last, per column of <see cref="Schema"/>.</summary>
    public int RowsPerBlock(int column) => _columns[column].RowsPerBlock;

    /// <summary>All values of one block of a column. Not safe for concurrent use.</summary>
    public T[] ReadBlock<T>(int column, int block)
    {
        TableColumn entry = _columns[column];
        lock (_stream)
        {
            _stream.Position = entry.LookupOffset + (16L * block);
            long offset = _reader.ReadInt64();
            int length = _reader.ReadInt32();
            long rows = Math.Min(entry.RowsPerBlock, RowCount - ((long)block * entry.RowsPerBlock));
            return ((ValueCodec<T>)entry.Codec).ReadBlock(Unpack(offset, length, entry.Compression), (int)rows);
        }
    }

    private List<(string Name, TableColumn Column, long Annotations)> ReadContents(int count)
    {
        var entries = new List<(string, TableColumn, long)>(count);
        for (int i = 0; i < count; i++)
        {
            string name = _reader.ReadString();
            ValueCodec codec = ValueCodec.ReadDefinitionOrNull(_reader);
            byte compression = _reader.ReadByte();
            int rowsPerBlock = (int)_reader.Read7BitEncodedInt64();
            long lookup = _reader.ReadInt64();
            entries.Add((name, new TableColumn(codec, compression, rowsPerBlock, lookup), _reader.ReadInt64()));
        }
        return entries;
    }

    private DataViewSchema.Annotations ReadAnnotations(long table)
    {
        if (table == 0)
            return null;
        _stream.Position = table;
        int count = (int)_reader.Read7BitEncodedInt64();
        var entries = new List<(string Kind, ValueCodec Codec, byte Compression, long Offset, int Length)>(count);
        for (int i = 0; i < count; i++)
            entries.Add((_reader.ReadString(), ValueCodec.ReadDefinitionOrNull(_reader), _reader.ReadByte(), _reader.ReadInt64(), (int)_reader.Read7BitEncodedInt64()));
        var builder = new DataViewSchema.Annotations.Builder();
        foreach ((string kind, ValueCodec codec, byte compression, long offset, int length) in entries.Where(entry => entry.Codec is not null))
            Getters.Call(OpenAnnotation, null, codec.Type.RawType, builder, kind, codec, Unpack(offset, length, compression));
        return builder.ToAnnotations();
    }

    private static void AddAnnotation<T>(DataViewSchema.Annotations.Builder builder, string kind, ValueCodec codec, BinaryReader reader)
    {
        T value = ((ValueCodec<T>)codec).ReadBlock(reader, 1)[0];
        // The reader gives each caller the same arrays; like the real getters these are to be read only.
        builder.Add(kind, codec.Type, (ref T destination) => destination = value);
    }

    private BinaryReader Unpack(long offset, int length, byte compression)
    {
        _stream.Position = offset;
        Stream block = new MemoryStream(_reader.ReadBytes(length));
        return new BinaryReader(compression == BinaryTableWriter.Deflated ? new DeflateStream(block, CompressionMode.Decompress) : block, Encoding.UTF8);
    }

    private sealed record TableColumn(ValueCodec Codec, byte Compression, int RowsPerBlock, long LookupOffset);
}
