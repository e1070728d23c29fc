using System.Globalization;
using System.Text.Json.Nodes;
using CsvHelper;
using CsvHelper.Configuration;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>
/// Rows of a table of separated values with a header, whose quoted cells may hold separators and line breaks. A column whose cells are all
/// numbers, or all true and false, at the beginning of the file is one of these; an empty cell of it has no value.
/// </summary>
internal sealed class CsvRows : IDisposable
{
    private readonly string _file;
    private readonly string[] _names;
    private readonly CsvParser _table;
    private bool _isBroken;
    private long _line;

    private CsvRows(string file, char separator, bool allowQuoting)
    {
        _file = file;
        _table = new CsvParser(
            new StreamReader(DatasetFiles.Open(file), DatasetFiles.Utf8),
            new CsvConfiguration(CultureInfo.InvariantCulture)
            {
                Delimiter = separator.ToString(), BadDataFound = Found, Mode = allowQuoting ? CsvMode.RFC4180 : CsvMode.NoEscape,
            });
        _names = Next() ?? [];
        string? twice = _names.GroupBy(name => name).FirstOrDefault(same => same.Count() > 1)?.Key;
        if (twice is not null)
            throw Place.Error($"two columns are called '{twice}'; give each a name of its own.");
    }

    private enum CellKind
    {
        Empty,
        Number,
        Flag,
        Text,
    }

    private RowPlace Place => new(_file, "line", _line);

    public static IEnumerable<LocatedRow> Read(string file, char separator, bool allowQuoting, int schemaRows)
    {
        CellKind[] kinds = KindsOf(file, separator, allowQuoting, schemaRows);
        using var rows = new CsvRows(file, separator, allowQuoting);
        while (rows.Next() is { } cells)
            yield return rows.Row(cells, kinds);
    }

    public void Dispose() => _table.Dispose();

    private static CellKind[] KindsOf(string file, char separator, bool allowQuoting, int schemaRows)
    {
        using var rows = new CsvRows(file, separator, allowQuoting);
        CellKind[] kinds = [.. rows._names.Select(name => TrlColumns.IsText(name) ? CellKind.Text : CellKind.Empty)];
        for (int row = 0; row < schemaRows && rows.Next() is { } cells; row++)
            for (int i = 0; i < kinds.Length; i++)
                kinds[i] = Merge(kinds[i], cells[i]);
        return kinds;
    }

    private static CellKind Merge(CellKind kind, string cell)
    {
        CellKind own = string.IsNullOrWhiteSpace(cell) ? CellKind.Empty
            : IsNumber(cell, out _) ? CellKind.Number
            : bool.TryParse(cell, out _) ? CellKind.Flag
            : CellKind.Text;
        return own == CellKind.Empty || own == kind ? kind : kind == CellKind.Empty ? own : CellKind.Text;
    }

    // A quote within a cell that begins without one is a character like others; a quoted cell must end with its quote.
    private void Found(BadDataFoundArgs bad) => _isBroken |= bad.Field.StartsWith('"');

    /// <summary>The cells of the next row; null at the end.</summary>
    private string[]? Next()
    {
        _line = _table.RawRow + 1;
        if (!_table.Read())
            return null;
        string[] cells = _table.Record!;
        if (_isBroken)
            throw Place.Error("a quoted cell has no end, or something stands behind it; a quote in it must be doubled.");
        return _names is null || cells.Length == _names.Length ? cells : throw Place.Error(FormattableString.Invariant(
            $"the row has {cells.Length} cells, and the header {_names.Length}. Quote cells that hold separators, or look at the options ")
            + "Separator and AllowQuoting.");
    }

    private LocatedRow Row(string[] cells, CellKind[] kinds)
    {
        var values = new JsonObject();
        for (int i = 0; i < cells.Length; i++)
            values[_names[i]] = Value(cells[i], kinds[i], _names[i]);
        return new LocatedRow(values, Place);
    }

    private JsonValue? Value(string cell, CellKind kind, string name)
    {
        if (kind is CellKind.Text or CellKind.Empty)
            return JsonValue.Create(cell);
        if (string.IsNullOrWhiteSpace(cell))
            return null;
        if (kind == CellKind.Number)
            return IsNumber(cell, out double number) ? JsonValue.Create(number) : throw Mixed("numbers");
        return bool.TryParse(cell, out bool flag) ? JsonValue.Create(flag) : throw Mixed("true and false");

        InvalidDataException Mixed(string expected) => Place.Error(
            $"the column '{name}' holds {expected} in the first rows, and '{cell}' here. Correct the cell, or raise SchemaRows so that it "
            + "is among the rows that decide what the column is.");
    }

    private static bool IsNumber(string cell, out double number) =>
        double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
}
