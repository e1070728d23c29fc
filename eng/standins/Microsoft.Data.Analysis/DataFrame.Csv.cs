using System.Globalization;
using System.Text;

namespace Microsoft.Data.Analysis;

public partial class DataFrame
{
    public static DataFrame LoadCsv(string filename, char separator = ',', bool header = true, string[] columnNames = null, Type[] dataTypes = null,
        int numRows = -1, int guessRows = 10, bool addIndexColumn = false, Encoding encoding = null, bool renameDuplicatedColumns = false, CultureInfo cultureInfo = null)
    {
        using FileStream stream = File.OpenRead(filename);
        return LoadCsv(stream, separator, header, columnNames, dataTypes, numRows, guessRows, addIndexColumn, encoding, renameDuplicatedColumns, cultureInfo);
    }

    public static DataFrame LoadCsv(Stream csvStream, char separator = ',', bool header = true, string[] columnNames = null, Type[] dataTypes = null,
        long numberOfRowsToRead = -1, int guessRows = 10, bool addIndexColumn = false, Encoding encoding = null, bool renameDuplicatedColumns = false,
        CultureInfo cultureInfo = null, Func<IEnumerable<string>, Type> guessTypeFunction = null)
    {
        if (!csvStream.CanSeek)
            throw new ArgumentException("Expected a seekable stream", nameof(csvStream));
        using var reader = new StreamReader(csvStream, encoding ?? Encoding.UTF8, leaveOpen: true);
        return Load(reader, separator, header, columnNames, dataTypes, numberOfRowsToRead, guessRows, addIndexColumn, renameDuplicatedColumns, cultureInfo, guessTypeFunction);
    }

    public static DataFrame LoadCsvFromString(string csvString, char separator = ',', bool header = true, string[] columnNames = null, Type[] dataTypes = null,
        long numberOfRowsToRead = -1, int guessRows = 10, bool addIndexColumn = false, bool renameDuplicatedColumns = false,
        CultureInfo cultureInfo = null, Func<IEnumerable<string>, Type> guessTypeFunction = null)
    {
        using var reader = new StringReader(csvString);
        return Load(reader, separator, header, columnNames, dataTypes, numberOfRowsToRead, guessRows, addIndexColumn, renameDuplicatedColumns, cultureInfo, guessTypeFunction);
    }

    public static void SaveCsv(DataFrame dataFrame, string path, char separator = ',', bool header = true, Encoding encoding = null, CultureInfo cultureInfo = null)
    {
        using FileStream stream = File.Create(path);
        SaveCsv(dataFrame, stream, separator, header, encoding, cultureInfo);
    }

    public static void SaveCsv(DataFrame dataFrame, Stream csvStream, char separator = ',', bool header = true, Encoding encoding = null, CultureInfo cultureInfo = null)
    {
        CultureInfo culture = cultureInfo ?? CultureInfo.CurrentCulture;
        if (culture.NumberFormat.NumberDecimalSeparator == separator.ToString())
            throw new ArgumentException("Decimal separator cannot match the column separator");
        // ASCII by default, as the real package does: pass UTF-8 for anything else.
        using var writer = new StreamWriter(csvStream, encoding ?? Encoding.ASCII, leaveOpen: true);
        if (header)
            writer.WriteLine(string.Join(separator, dataFrame.Columns.Select(column => Quoted(column.Name, separator))));
        foreach (DataFrameRow row in dataFrame.Rows)
            writer.WriteLine(string.Join(separator, row.Select(cell => Written(cell, separator, culture))));
    }

    private static string Written(object cell, char separator, CultureInfo culture) => cell switch
    {
        null => "",
        float value => value.ToString("G9", culture),
        double value => value.ToString("G17", culture),
        string value => Quoted(value, separator),
        IFormattable value => value.ToString(null, culture),
        _ => cell.ToString(),
    };

    private static string Quoted(string text, char separator) =>
        text.AsSpan().IndexOfAny([separator, '"', '\n', '\r']) < 0 ? text : $"\"{text.Replace("\"", "\"\"")}\"";

    private static DataFrame Load(TextReader reader, char separator, bool header, string[] names, Type[] types, long limit, int guessRows,
        bool addIndex, bool rename, CultureInfo culture, Func<IEnumerable<string>, Type> guess)
    {
        if (types is null && guessRows <= 0)
            throw new ArgumentException($"Expected either {nameof(guessRows)} or dataTypes to be given");
        List<string[]> records = [.. Records(reader, separator)];
        if (records.Count == 0)
            throw new FormatException("Empty file");
        if (header)
        {
            names ??= records[0];
            records.RemoveAt(0);
        }
        if (limit >= 0)
            records = [.. records.Take((int)limit)];
        int width = names?.Length ?? records.Max(record => record.Length);
        List<string[]> sample = [.. records.Take(guessRows)];
        var frame = new DataFrame(Enumerable.Range(0, width).Select(i =>
        {
            IEnumerable<string> seen = sample.Select(record => i < record.Length ? record[i] : "");
            return NewColumn(types?[i] ?? (guess ?? GuessType)(seen), Unique(names, i, rename));
        }));
        foreach (string[] record in records)
            frame.Append(record.Select(cell => (object)cell), inPlace: true, culture ?? CultureInfo.CurrentCulture);
        if (addIndex)
            frame.Columns.Insert(0, new Int64DataFrameColumn("IndexColumn", Enumerable.Range(0, records.Count).Select(i => (long)i)));
        return frame;
    }

    private static string Unique(string[] names, int index, bool rename)
    {
        string name = names is null ? $"Column{index}" : names[index];
        int earlier = names is null || !rename ? 0 : names.Take(index).Count(other => other == name);
        return earlier == 0 ? name : $"{name}.{earlier}";
    }

    private static Type GuessType(IEnumerable<string> cells)
    {
        string[] given = [.. cells.Where(cell => !string.IsNullOrEmpty(cell))];
        return given.Length == 0 ? typeof(string)
            : given.All(cell => bool.TryParse(cell, out _)) ? typeof(bool)
            : given.All(cell => float.TryParse(cell, out _)) ? typeof(float)
            : given.All(cell => DateTime.TryParse(cell, out _)) ? typeof(DateTime)
            : typeof(string);
    }

    private static DataFrameColumn NewColumn(Type type, string name) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => new BooleanDataFrameColumn(name),
        TypeCode.Byte => new ByteDataFrameColumn(name),
        TypeCode.Char => new CharDataFrameColumn(name),
        TypeCode.DateTime => new DateTimeDataFrameColumn(name),
        TypeCode.Decimal => new DecimalDataFrameColumn(name),
        TypeCode.Double => new DoubleDataFrameColumn(name),
        TypeCode.Int16 => new Int16DataFrameColumn(name),
        TypeCode.Int32 => new Int32DataFrameColumn(name),
        TypeCode.Int64 => new Int64DataFrameColumn(name),
        TypeCode.SByte => new SByteDataFrameColumn(name),
        TypeCode.Single => new SingleDataFrameColumn(name),
        TypeCode.String => new StringDataFrameColumn(name),
        TypeCode.UInt16 => new UInt16DataFrameColumn(name),
        TypeCode.UInt32 => new UInt32DataFrameColumn(name),
        TypeCode.UInt64 => new UInt64DataFrameColumn(name),
        _ => throw new NotSupportedException($"Column type {type} is not supported."),
    };

    // RFC 4180: quotes around a cell, doubled inside; a quoted cell may hold separators and line ends.
    private static IEnumerable<string[]> Records(TextReader reader, char separator)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        bool quoted = false, any = false;
        for (int next = reader.Read(); next >= 0; next = reader.Read())
        {
            char c = (char)next;
            if (quoted && c == '"' && reader.Peek() == '"')
                cell.Append((char)reader.Read());
            else if (c == '"' && (quoted || cell.Length == 0))
                (quoted, any) = (!quoted, true);
            else if (quoted || (c != separator && c is not ('\n' or '\r')))
                (_, any) = (cell.Append(c), true);
            else if (c == separator)
                (any, _) = (true, Finish());
            else if (c == '\n' && any)
            {
                Finish();
                yield return [.. cells];
                cells.Clear();
                any = false;
            }
        }
        if (any)
        {
            Finish();
            yield return [.. cells];
        }

        bool Finish()
        {
            cells.Add(cell.ToString());
            cell.Clear();
            return true;
        }
    }
}
