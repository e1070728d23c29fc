using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Goes through the rows of a data set; values are checked where they are read.</summary>
internal sealed class DatasetCursor : DataViewRowCursor
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly IReadOnlyList<DatasetColumn> _columns;
    private readonly HashSet<string> _names;
    private readonly bool[] _active;
    private readonly IEnumerator<LocatedRow> _rows;
    private LocatedRow? _row;
    private long _position = -1;

    public DatasetCursor(
        DataViewSchema schema, IReadOnlyList<DatasetColumn> columns, bool[] active, IEnumerable<LocatedRow> rows)
    {
        Schema = schema;
        (_columns, _active) = (columns, active);
        _names = [.. columns.Select(column => column.Name)];
        _rows = rows.GetEnumerator();
    }

    public override DataViewSchema Schema { get; }
    public override long Position => _position;
    public override long Batch => 0;

    private LocatedRow Row => _row ?? throw new InvalidOperationException(
        "The cursor stands before the first or after the last row: call MoveNext first.");

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!_active[column.Index])
            throw new ArgumentException($"Column '{column.Name}' was not asked for when this cursor was made.", nameof(column));
        DatasetColumn own = _columns[column.Index];
        Delegate getter = own.Kind switch
        {
            ColumnKind.Number => (ValueGetter<double>)((ref double value) => value = Number(own)),
            ColumnKind.Flag => (ValueGetter<bool>)((ref bool value) => value = Flag(own)),
            ColumnKind.Numbers => Vector(own, item => (float)ToDouble(item!)),
            ColumnKind.Flags => Vector(own, item => item!.GetValue<bool>()),
            _ => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = Text(own).AsMemory()),
        };
        return getter as ValueGetter<TValue> ?? throw new InvalidOperationException(
            $"Invalid TValue in GetGetter: column '{column.Name}' has type {column.Type}, asked for {typeof(TValue)}.");
    }

    public override bool MoveNext()
    {
        _row = _rows.MoveNext() ? _rows.Current : null;
        _position = _row is null ? -1 : _position + 1;
        if (_row?.Values.FirstOrDefault(pair => !_names.Contains(pair.Key)).Key is { } unknown)
            throw _row.Place.Error(
                $"the column '{unknown}' is in none of the first rows. Raise SchemaRows so that this row is among them, or name the "
                + "columns that are meant (Columns).");
        return _row is not null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _rows.Dispose();
        base.Dispose(disposing);
    }

    private string Text(DatasetColumn column)
    {
        JsonNode? value = Value(column);
        return value is null ? ""
            : column.Kind == ColumnKind.Json || value is JsonArray ? value.ToJsonString(Plain) // of texts, an empty list
            : value.GetValue<string>();
    }

    private double Number(DatasetColumn column) => Value(column) is { } value ? ToDouble(value) : double.NaN;

    private bool Flag(DatasetColumn column) => (Value(column) ?? throw Missing(column)).GetValue<bool>();

    private ValueGetter<VBuffer<T>> Vector<T>(DatasetColumn column, Func<JsonNode?, T> convert) => (ref VBuffer<T> buffer) =>
    {
        JsonArray? items = Value(column) as JsonArray;
        VBufferEditor<T> editor = VBufferEditor.Create(ref buffer, items?.Count ?? 0);
        for (int i = 0; i < editor.Values.Length; i++)
            editor.Values[i] = convert(items![i]);
        buffer = editor.Commit();
    };

    /// <summary>The value of a column in this row; null where it is missing and may be.</summary>
    private JsonNode? Value(DatasetColumn column)
    {
        JsonNode? value = Row.Values[column.Name];
        if (value is null)
            return TrlColumns.IsNeeded(column.Name) ? throw Missing(column) : null;
        return column.Holds(value) ? value : throw Row.Place.Error(
            $"the column '{column.Name}' is {DatasetColumn.KindOf(value)} here, and {column.Kind} in the first rows. Make it one of them, "
            + "or leave the column out (Columns).");
    }

    // A number that was made in memory is of the type that it was made of.
    private static double ToDouble(JsonNode value) => value.AsValue().TryGetValue(out double number)
        ? number
        : double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture);

    private InvalidDataException Missing(DatasetColumn column) => Row.Place.Error(
        $"the column '{column.Name}' has no value. Give one, or leave the row out, or the column (Columns).");
}
