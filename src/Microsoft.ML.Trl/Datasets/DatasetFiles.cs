using System.IO.Compression;
using System.IO.Enumeration;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Files of a data set: which are meant, and the rows of one.</summary>
internal static class DatasetFiles
{
    private const string Known = ".jsonl, .ndjson, .json, .csv, .tsv, .txt (each also with .gz behind it) and .parquet";
    private static readonly string[] Kinds = [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet"];
    private static readonly string[][] SameSplits =
        [["train", "training"], ["test", "testing", "eval", "evaluation"], ["validation", "valid", "val", "dev"]];

    /// <summary>Malformed bytes are an error, not a character of their own.</summary>
    public static UTF8Encoding Utf8 { get; } = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The files that paths mean, those of a folder or a pattern in the order of their names.</summary>
    /// <param name="paths">Files, folders (with all files below them that can be read), or patterns: * and ? in a file's name.</param>
    /// <param name="split">Of folders and patterns only the files of this split; null = all.</param>
    /// <exception cref="FileNotFoundException">A path means no file.</exception>
    /// <exception cref="ArgumentException">A file is of another kind than those that can be read.</exception>
    public static string[] Find(IEnumerable<string> paths, string? split)
    {
        string[] files = [.. paths.SelectMany(path => Find(path, split))];
        if (files.Length == 0)
            throw new ArgumentException("paths is empty; at least one file, folder or pattern is needed.", nameof(paths));
        return files;
    }

    /// <summary>The rows of a file, read as they are asked for.</summary>
    /// <exception cref="InvalidDataException">While it is read: the file is damaged; the message says where.</exception>
    public static IEnumerable<LocatedRow> Read(string file, DatasetOptions options) => Guarded(file, KindOf(file) switch
    {
        ".json" => JsonRows.Read(file),
        ".csv" => CsvRows.Read(file, options.Separator ?? ',', options.AllowQuoting ?? true, options.SchemaRows),
        ".tsv" => CsvRows.Read(file, options.Separator ?? '\t', options.AllowQuoting ?? false, options.SchemaRows),
        ".txt" => Lines(file, (line, _) => new JsonObject { ["text"] = line }),
        ".parquet" => ParquetRows.Read(file),
        _ => Lines(file, Parsed),
    });

    /// <summary>The bytes of a file, unpacked.</summary>
    public static Stream Open(string file)
    {
        Stream stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        return IsPacked(file) ? new GZipStream(stream, CompressionMode.Decompress) : stream;
    }

    private static string[] Find(string path, string? split)
    {
        if (File.Exists(path))
            return [KindOf(path) is not null ? path : throw new ArgumentException(
                $"{path} is of a kind that cannot be read as a data set; the kinds are {Known}.", nameof(path))];
        string name = Path.GetFileName(path), folder = Path.GetDirectoryName(path) is { Length: > 0 } given ? given : ".";
        bool isPattern = name.AsSpan().ContainsAny('*', '?');
        if (!isPattern)
            (folder, name) = (path, "*");
        bool goesDown = !isPattern || Path.GetFileName(folder) == "**";
        if (isPattern && goesDown)
            folder = Path.GetDirectoryName(folder) is { Length: > 0 } parent ? parent : ".";
        if (!Directory.Exists(folder))
            throw new FileNotFoundException($"There is no file, and no folder, {path}.", path);
        string[] found = [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = goesDown })
            .Where(file => KindOf(file) is not null && FileSystemName.MatchesSimpleExpression(name, Path.GetFileName(file), false))
            .Where(file => split is null || IsOf(split, Path.GetRelativePath(folder, file)))
            .Order(StringComparer.Ordinal)];
        return found.Length > 0 ? found : throw new FileNotFoundException(
            $"{path} has no file{(split is null ? "" : $" of the split '{split}'")} that can be read; the kinds are {Known}.", path);
    }

    private static bool IsOf(string split, string file)
    {
        string[] words = Array.Find(SameSplits, same => same.Contains(split)) ?? [split];
        return words.Any(word => Regex.IsMatch(file, $"(?<![A-Za-z0-9]){Regex.Escape(word)}(?![A-Za-z0-9])"));
    }

    private static bool IsPacked(string file) => Path.GetExtension(file) == ".gz";

    private static string? KindOf(string file)
    {
        string kind = Path.GetExtension(IsPacked(file) ? Path.GetFileNameWithoutExtension(file) : file);
        return Kinds.Contains(kind) && !(kind == ".parquet" && IsPacked(file)) ? kind : null;
    }

    private static IEnumerable<LocatedRow> Lines(string file, Func<string, RowPlace, JsonObject?> parse)
    {
        using var reader = new StreamReader(Open(file), Utf8);
        for (long number = 1; reader.ReadLine() is { } line; number++)
        {
            var place = new RowPlace(file, "line", number);
            if (parse(line, place) is { } row)
                yield return new LocatedRow(row, place);
        }
    }

    private static JsonObject? Parsed(string line, RowPlace place)
    {
        if (string.IsNullOrWhiteSpace(line))
            return null;
        try
        {
            return StrictJson.Object(line);
        }
        catch (JsonException cause)
        {
            throw place.Error($"it is no row: {cause.Message} Each line must be one JSON object, whose keys stand there once each.", cause);
        }
    }

    /// <summary>Names the file where its bytes cannot be understood.</summary>
    private static IEnumerable<LocatedRow> Guarded(string file, IEnumerable<LocatedRow> rows)
    {
        using IEnumerator<LocatedRow> each = rows.GetEnumerator();
        RowPlace? last = null;
        while (Next(each, file, last))
        {
            last = each.Current.Place;
            yield return each.Current;
        }
    }

    private static bool Next(IEnumerator<LocatedRow> rows, string file, RowPlace? last)
    {
        try
        {
            return rows.MoveNext();
        }
        catch (Exception cause) when (cause is DecoderFallbackException or Parquet.ParquetException or NotSupportedException
            || (cause is InvalidDataException or IOException && !cause.Message.StartsWith(file, StringComparison.Ordinal)))
        {
            string where = last is { } place ? $"{file}, behind {place.Unit} {place.Number}" : file;
            throw new InvalidDataException($"{where}: the file cannot be read on: {cause.Message}", cause);
        }
    }
}
