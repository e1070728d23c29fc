using System.IO.Compression;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>Files of data sets that a test writes.</summary>
internal sealed class Files : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Folder => _folder.Path;

    /// <summary>Writes a file, packed where its name ends with .gz.</summary>
    public string Write(string name, string content)
    {
        string path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using FileStream file = File.Create(path);
        using Stream stream = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionLevel.Fastest) : file;
        using var writer = new StreamWriter(stream);
        writer.Write(content);
        return path;
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A text column, row after row.</summary>
    public static string[] Texts(IDataView view, string column) => [.. view.GetColumn<string>(column)];

    /// <summary>Columns with their types.</summary>
    public static string SchemaOf(IDataView view) =>
        string.Join(", ", view.Schema.Select(column => $"{column.Name} {column.Type}"));

    /// <summary>Reads all rows and columns.</summary>
    public static int ReadAll(IDataView view)
    {
        int rows = 0;
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema);
        Action[] getters = [.. view.Schema.Select(column => Getter(cursor, column))];
        for (; cursor.MoveNext(); rows++)
            Array.ForEach(getters, read => read());
        return rows;
    }

    private static Action Getter(DataViewRowCursor cursor, DataViewSchema.Column column)
    {
        return column.Type switch
        {
            TextDataViewType => Of<ReadOnlyMemory<char>>(),
            BooleanDataViewType => Of<bool>(),
            VectorDataViewType { ItemType: BooleanDataViewType } => Of<VBuffer<bool>>(),
            VectorDataViewType => Of<VBuffer<float>>(),
            _ => Of<double>(),
        };

        Action Of<T>()
        {
            ValueGetter<T> getter = cursor.GetGetter<T>(column);
            T value = default!;
            return () => getter(ref value);
        }
    }
}
