using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>How a text file is written.</summary>
internal sealed record TextSaverOptions(char Separator, bool WritesHeader, bool WritesDescription, bool IsDense);

/// <summary>Writes a view as a text file that <see cref="TextLoader"/> reads.</summary>
internal sealed class TextSaver(IHost host, TextSaverOptions options)
{
    private static readonly MethodInfo OpenWriter = typeof(TextSaver).GetMethod(nameof(WriterOf), BindingFlags.NonPublic | BindingFlags.Instance);

    /// <summary>Gives the slots of a value that are stored, with their texts; returns the number of all slots.</summary>
    private delegate int CellWriter(Action<int, string> write);

    public void Save(IChannel outer, IDataView data, Stream stream, bool keepHidden)
    {
        Guard.Argument(options.Separator is ' ' or '\t' or ',' or ';' or '|', "Separator", "Invalid separator - must be: space, tab, comma, semicolon, or bar");
        var columns = new List<DataViewSchema.Column>();
        foreach (DataViewSchema.Column column in data.Schema.Where(column => keepHidden || !column.IsHidden))
        {
            DataViewType item = BuiltInTypes.ItemTypeOf(column.Type);
            if (item is KeyDataViewType || item.Equals(BuiltInTypes.OrNull(item.RawType)))
                columns.Add(column);
            else
                outer.Info(MessageSensitivity.Schema, "The column '{0}' will not be written as it has unsavable column type.", column.Name);
        }
        Guard.That(columns.Count > 0, "No valid columns to save", outer);
        using IChannel channel = host.Start("Saving");
        using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 1024, leaveOpen: true);
        bool hasHeader = options.WritesHeader && columns.Any(column => column.Type is not VectorDataViewType || column.HasSlotNames());
        if (options.WritesDescription)
            WriteDescription(writer, TextDescription.Of(channel, columns, options.Separator, hasHeader));
        if (hasHeader)
            WriteHeader(writer, columns);
        WriteRows(channel, writer, data, columns);
    }

    /// <summary>Text in quotes when it would not be read back without.</summary>
    private string Quoted(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
            return "\"\"";
        bool needsQuotes = text[0] == ' ' || text.IndexOfAny(['"', options.Separator, ':', '\n']) >= 0;
        return needsQuotes ? $"\"{text.ToString().Replace("\"", "\"\"")}\"" : text.ToString();
    }

    private static void WriteDescription(StreamWriter writer, string settings)
    {
        writer.WriteLine("#@ TextLoader{");
        foreach (string setting in settings.Split('\n'))
            writer.WriteLine($"#@   {setting}");
        writer.WriteLine("#@ }");
    }

    private void WriteHeader(StreamWriter writer, List<DataViewSchema.Column> columns)
    {
        var line = new TextLine(options, ["\"\""]);
        foreach (DataViewSchema.Column column in columns)
        {
            if (column.Type is not VectorDataViewType vector)
            {
                line.Add(0, Quoted(column.Name));
                line.EndColumn(1);
                continue;
            }
            if (column.HasSlotNames())
            {
                var names = default(VBuffer<ReadOnlyMemory<char>>);
                column.GetSlotNames(ref names);
                foreach ((int slot, ReadOnlyMemory<char> name) in names.Items())
                {
                    if (!name.IsEmpty)
                        line.Add(slot, Quoted(name.Span));
                }
            }
            line.EndColumn(vector.Size);
        }
        writer.WriteLine(line.End());
    }

    private void WriteRows(IChannel channel, StreamWriter writer, IDataView data, List<DataViewSchema.Column> columns)
    {
        long count = 0;
        int shortest = int.MaxValue;
        int longest = 0;
        using (DataViewRowCursor cursor = data.GetRowCursor(columns))
        {
            CellWriter[] cells = [.. columns.Select(column => (CellWriter)Getters.Call(OpenWriter, this, BuiltInTypes.ItemTypeOf(column.Type).RawType, cursor, column))];
            var line = new TextLine(options, [.. columns.Select(column => TextOfDefault(BuiltInTypes.ItemTypeOf(column.Type)))]);
            for (; cursor.MoveNext(); count++)
            {
                foreach (CellWriter cell in cells)
                    line.EndColumn(cell(line.Add));
                shortest = Math.Min(shortest, line.Length);
                longest = Math.Max(longest, line.Length);
                writer.WriteLine(line.End());
            }
        }
        if (count == 0)
            channel.Warning(MessageSensitivity.None, "Wrote zero rows of data!");
        else if (shortest == longest)
            channel.Info(MessageSensitivity.None, "Wrote {0} rows of length {1}", count, shortest);
        else
            channel.Info(MessageSensitivity.None, "Wrote {0} rows of lengths between {1} and {2}", count, shortest, longest);
    }

    private string TextOfDefault(DataViewType type) => type is KeyDataViewType ? "" : type switch
    {
        TextDataViewType => "\"\"",
        BooleanDataViewType => "0",
        TimeSpanDataViewType => TextOf(default(TimeSpan), type),
        DateTimeDataViewType => TextOf(default(DateTime), type),
        DateTimeOffsetDataViewType => TextOf(default(DateTimeOffset), type),
        RowIdDataViewType => TextOf(default(DataViewRowId), type),
        _ => "0",
    };

    private string TextOf<T>(T value, DataViewType type) => value switch
    {
        ReadOnlyMemory<char> text => Quoted(text.Span),
        TimeSpan or DateTime or DateTimeOffset => $"\"{TextWriting.Of(value)}\"",
        _ => TextWriting.Of(value, type),
    };

    private CellWriter WriterOf<T>(DataViewRow row, DataViewSchema.Column column)
    {
        DataViewType item = BuiltInTypes.ItemTypeOf(column.Type);
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> one = row.GetGetter<T>(column);
            T value = default;
            return write =>
            {
                one(ref value);
                write(0, TextOf(value, item));
                return 1;
            };
        }
        ValueGetter<VBuffer<T>> many = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> values = default;
        return write =>
        {
            many(ref values);
            foreach ((int slot, T value) in values.Items())
                write(slot, TextOf(value, item));
            return values.Length;
        };
    }
}
