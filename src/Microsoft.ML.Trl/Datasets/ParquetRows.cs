using System.Collections;
using System.Globalization;
using System.Text.Json.Nodes;
using Parquet;
using Parquet.Serialization;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Rows of a Parquet file, lists and structs as JSON. One row group is held at a time.</summary>
internal static class ParquetRows
{
    public static IEnumerable<LocatedRow> Read(string file)
    {
        using FileStream stream = File.OpenRead(file);
        (int groups, string[] names) = Layout(stream);
        long number = 0;
        for (int group = 0; group < groups; group++)
            foreach (Dictionary<string, object> row in Group(stream, group))
            {
                var place = new RowPlace(file, "row", ++number);
                var values = new JsonObject();
                foreach (string name in names) // nulls are left out of the dictionary
                    values[name] = Node(row.GetValueOrDefault(name), name, place);
                yield return new LocatedRow(values, place);
            }
    }

    private static (int Groups, string[] Names) Layout(Stream stream)
    {
        ParquetReader reader = ParquetReader.CreateAsync(stream, leaveStreamOpen: true).GetAwaiter().GetResult();
        (int, string[]) layout = (reader.RowGroupCount, [.. reader.Schema.Fields.Select(field => field.Name)]);
        reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return layout;
    }

    private static IList<Dictionary<string, object>> Group(Stream stream, int group) =>
        ParquetSerializer.DeserializeUntypedAsync(stream, null, group).GetAwaiter().GetResult().Data;

    private static JsonNode? Node(object? value, string name, RowPlace place) => value switch
    {
        null => null,
        string text => JsonValue.Create(text),
        bool flag => JsonValue.Create(flag),
        double or float => Convert.ToDouble(value, CultureInfo.InvariantCulture) is var real && double.IsFinite(real)
            ? JsonValue.Create(real)
            : null, // as Arrow writes a missing number
        decimal real => JsonValue.Create(real),
        ulong whole => JsonValue.Create(whole),
        sbyte or byte or short or ushort or int or uint or long => JsonValue.Create(Convert.ToInt64(value, CultureInfo.InvariantCulture)),
        DateTime time => JsonValue.Create(time.ToString("O", CultureInfo.InvariantCulture)),
        IDictionary<string, object> entries =>
            new JsonObject(entries.Select(entry => KeyValuePair.Create(entry.Key, Node(entry.Value, name, place)))),
        byte[] => throw place.Error(
            $"the column '{name}' holds bytes, such as an image, which no column of a data set can; leave it out of the file."),
        IEnumerable items => new JsonArray([.. items.Cast<object?>().Select(item => Node(item, name, place))]),
        _ => throw place.Error($"the column '{name}' holds a {value.GetType().Name}, which cannot be read; write it as text or a number."),
    };
}
