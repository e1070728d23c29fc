using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>What a column of a data set holds.</summary>
internal enum ColumnKind
{
    /// <summary>No value, or an empty list: it may become any other.</summary>
    Unknown,

    /// <summary>Texts.</summary>
    Text,

    /// <summary>Numbers.</summary>
    Number,

    /// <summary>True and false.</summary>
    Flag,

    /// <summary>Lists of numbers.</summary>
    Numbers,

    /// <summary>Lists of true and false.</summary>
    Flags,

    /// <summary>Lists and objects, as the text of their JSON.</summary>
    Json,
}

/// <summary>A column of a data set.</summary>
/// <param name="Name">In the rows.</param>
/// <param name="Kind">What it holds.</param>
internal sealed record DatasetColumn(string Name, ColumnKind Kind)
{
    /// <summary>Its type in a view.</summary>
    public DataViewType Type => Kind switch
    {
        ColumnKind.Number => NumberDataViewType.Double,
        ColumnKind.Flag => BooleanDataViewType.Instance,
        ColumnKind.Numbers => new VectorDataViewType(NumberDataViewType.Single),
        ColumnKind.Flags => new VectorDataViewType(BooleanDataViewType.Instance),
        _ => TextDataViewType.Instance,
    };

    /// <summary>What a value is.</summary>
    public static ColumnKind KindOf(JsonNode? value) => value switch
    {
        null or JsonArray { Count: 0 } => ColumnKind.Unknown,
        JsonObject => ColumnKind.Json,
        JsonArray list when list.All(item => KindOf(item) == ColumnKind.Number) => ColumnKind.Numbers,
        JsonArray list when list.All(item => KindOf(item) == ColumnKind.Flag) => ColumnKind.Flags,
        JsonArray => ColumnKind.Json,
        _ => value.GetValueKind() switch
        {
            JsonValueKind.String => ColumnKind.Text,
            JsonValueKind.True or JsonValueKind.False => ColumnKind.Flag,
            _ => ColumnKind.Number,
        },
    };

    /// <summary>What a column is that holds values of two kinds; null where it cannot hold both.</summary>
    public static ColumnKind? Merge(ColumnKind one, ColumnKind other) =>
        one == other || other == ColumnKind.Unknown ? one
        : one == ColumnKind.Unknown ? other
        : IsNested(one) && IsNested(other) ? ColumnKind.Json
        : null;

    /// <summary>Whether a value may stand in the column.</summary>
    /// <param name="value">Not null.</param>
    public bool Holds(JsonNode value)
    {
        if (Kind == ColumnKind.Json && value is (JsonArray or JsonObject))
            return true;
        ColumnKind kind = KindOf(value);
        return kind == ColumnKind.Unknown ? Kind is not (ColumnKind.Number or ColumnKind.Flag) : Merge(Kind, kind) == Kind;
    }

    private static bool IsNested(ColumnKind kind) => kind is ColumnKind.Numbers or ColumnKind.Flags or ColumnKind.Json;
}

/// <summary>Tells the columns of a data set by its first rows.</summary>
internal static class DatasetSchema
{
    /// <param name="rows">Read as far as is needed.</param>
    /// <param name="most">Rows that are looked at.</param>
    /// <param name="what">What messages call the data set.</param>
    /// <exception cref="ArgumentException">There are no rows, or none of the columns that were asked for.</exception>
    /// <exception cref="InvalidDataException">A column holds values of two kinds; the message says where.</exception>
    public static DatasetColumn[] Infer(IEnumerable<LocatedRow> rows, int most, string what)
    {
        var kinds = new Dictionary<string, (ColumnKind Kind, RowPlace First)>();
        int count = 0;
        foreach (LocatedRow row in rows.Take(most))
        {
            count++;
            foreach ((string name, JsonNode? value) in row.Values)
            {
                ColumnKind kind = DatasetColumn.KindOf(value);
                (ColumnKind before, RowPlace first) = kinds.GetValueOrDefault(name, (ColumnKind.Unknown, row.Place));
                ColumnKind merged = DatasetColumn.Merge(before, kind) ?? throw row.Place.Error(
                    $"the column '{name}' is {kind} here, and {before} in {first}. Make it one of them, or leave it out (Columns).");
                kinds[name] = (merged, before == ColumnKind.Unknown ? row.Place : first);
            }
        }
        if (count == 0)
            throw new ArgumentException($"{what} has no rows; at least one is needed.");
        if (kinds.Count == 0)
            throw new ArgumentException($"The rows of {what} have no columns, or none of those that Columns names.");
        return [.. kinds.Select(pair =>
            new DatasetColumn(pair.Key, pair.Value.Kind == ColumnKind.Unknown ? ColumnKind.Text : pair.Value.Kind))];
    }
}
