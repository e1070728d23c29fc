using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>The rows of files, by TRL's names of columns. Each reading goes through the files anew and holds one row.</summary>
/// <param name="files">In their order.</param>
/// <param name="options">Checked.</param>
/// <param name="convert">What else is done with the rows; null = nothing.</param>
internal sealed class DatasetSource(
    IReadOnlyList<string> files, DatasetOptions options, Func<IEnumerable<JsonObject>, IEnumerable<JsonObject>>? convert = null)
{
    /// <summary>The rows.</summary>
    /// <exception cref="InvalidDataException">While they are read: a row, or a file, is damaged; the message says where.</exception>
    /// <exception cref="ArgumentException">While they are read: turns are to become messages, and are not.</exception>
    public IEnumerable<LocatedRow> Rows()
    {
        IEnumerable<LocatedRow> rows = Converted(files.SelectMany(file => DatasetFiles.Read(file, options)));
        return (convert is null ? rows : Through(rows, convert)).Select(Selected);
    }

    private IEnumerable<LocatedRow> Converted(IEnumerable<LocatedRow> rows)
    {
        Func<JsonObject, JsonObject>? conversion = null;
        foreach (LocatedRow read in rows)
        {
            LocatedRow row = read with { Values = Renamed(read) };
            conversion ??= RowFormats.Conversion(options.Format == DatasetFormat.Auto ? RowFormats.Detect(row) : options.Format, options);
            yield return row with { Values = Converted(row, conversion) };
        }
    }

    private static JsonObject Converted(LocatedRow row, Func<JsonObject, JsonObject> conversion)
    {
        try
        {
            return conversion(row.Values);
        }
        catch (FormatException cause)
        {
            throw row.Place.Error($"{cause.Message} Correct the row, or set Format to the layout that the files are in.", cause);
        }
    }

    /// <summary>Rows that go through a function; what it finds wrong is said of the row that it read last.</summary>
    private static IEnumerable<LocatedRow> Through(
        IEnumerable<LocatedRow> rows, Func<IEnumerable<JsonObject>, IEnumerable<JsonObject>> convert)
    {
        RowPlace place = default;
        using IEnumerator<JsonObject> each = convert(rows.Select(row =>
        {
            place = row.Place;
            return row.Values;
        })).GetEnumerator();
        while (Next())
            yield return new LocatedRow(each.Current ?? throw place.Error("the function 'convert' gave null for a row."), place);

        bool Next()
        {
            try
            {
                return each.MoveNext();
            }
            catch (ArgumentException cause) when (place.File is not null)
            {
                throw place.Error(cause.Message, cause);
            }
        }
    }

    private JsonObject Renamed(LocatedRow row)
    {
        foreach ((string from, string to) in options.Rename ?? new Dictionary<string, string>())
        {
            if (!row.Values.ContainsKey(from))
                continue;
            JsonNode? value = RowFormats.Take(row.Values, from);
            if (!row.Values.TryAdd(to, value))
                throw row.Place.Error($"Rename makes '{from}' a '{to}', and the row has such a column already; rename that one too.");
        }
        return row.Values;
    }

    private LocatedRow Selected(LocatedRow row)
    {
        if (options.Columns is not { } wanted)
            return row;
        foreach (string name in row.Values.Select(pair => pair.Key).ToArray())
            if (!wanted.Contains(name) && !wanted.Contains(TrlColumns.NameInView(name)))
                row.Values.Remove(name);
        return row;
    }
}
