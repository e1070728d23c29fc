using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Algorithms.Classification;

/// <summary>Reads texts with their labels.</summary>
internal sealed class LabelledTextReader
{
    private readonly IDataView _rows;
    private readonly DataViewSchema.Column _text, _label;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or of the wrong type.</exception>
    public LabelledTextReader(IDataView rows, TextClassificationOptions options)
    {
        _rows = rows;
        _text = InputColumns.Text(rows.Schema, options.TextColumnName, "text");
        _label = InputColumns.Label(rows.Schema, options.LabelColumnName);
        LearnsNumbers = _label.Type == NumberDataViewType.Single || _label.Type == NumberDataViewType.Double;
    }

    /// <summary>Whether the labels are fractional numbers, which a model of one number learns.</summary>
    public bool LearnsNumbers { get; }

    /// <summary>All rows.</summary>
    /// <exception cref="ArgumentException">A label is missing, or no finite number.</exception>
    public IEnumerable<LabelledText> Read()
    {
        using DataViewRowCursor cursor = _rows.GetRowCursor([_text, _label]);
        ValueGetter<ReadOnlyMemory<char>> text = cursor.GetGetter<ReadOnlyMemory<char>>(_text);
        Func<double>? number = LearnsNumbers ? RowReader.NumberGetter(cursor, _label) : null;
        Func<string>? label = LearnsNumbers ? null : Names(cursor, _label);
        ReadOnlyMemory<char> current = default;
        for (long row = 0; cursor.MoveNext(); row++)
        {
            text(ref current);
            var read = new LabelledText(row, current.ToString(), label?.Invoke(), number?.Invoke() ?? 0);
            if (read.Label is "")
                throw new ArgumentException($"Row {row} has no label in the column '{_label.Name}'; give it one, or leave the row out.");
            if (!double.IsFinite(read.Value))
                throw new ArgumentException(FormattableString.Invariant(
                    $"Row {row} has the label {read.Value} in the column '{_label.Name}'; finite numbers are allowed."));
            yield return read;
        }
    }

    /// <summary>The name of the current row's label; empty where it is missing.</summary>
    private static Func<string> Names(DataViewRow row, DataViewSchema.Column column)
    {
        switch (column.Type)
        {
            case TextDataViewType:
                ValueGetter<ReadOnlyMemory<char>> text = row.GetGetter<ReadOnlyMemory<char>>(column);
                ReadOnlyMemory<char> current = default;
                return () =>
                {
                    text(ref current);
                    return current.ToString();
                };
            case BooleanDataViewType:
                ValueGetter<bool> flag = row.GetGetter<bool>(column);
                bool value = false;
                return () =>
                {
                    flag(ref value);
                    return value ? "true" : "false";
                };
            case KeyDataViewType:
                string[]? names = KeyNames(column);
                Func<double> key = RowReader.NumberGetter(row, column); // 0 is a missing key
                return () => key() is var id && id == 0 ? "" : names?[(int)id - 1] ?? (id - 1).ToString(CultureInfo.InvariantCulture);
            default:
                Func<double> number = RowReader.NumberGetter(row, column);
                return () => number().ToString(CultureInfo.InvariantCulture);
        }
    }

    private static string[]? KeyNames(DataViewSchema.Column column)
    {
        if (column.Annotations.Schema.GetColumnOrNull("KeyValues") is not { Type: VectorDataViewType { ItemType: TextDataViewType } })
            return null;
        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetKeyValues(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }
}
