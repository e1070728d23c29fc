using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl;

/// <summary>
/// TRL's data_utils: rows of data sets as JSON objects, by TRL's names of columns (<c>prompt</c>, <c>chosen</c>, ...). Each gives new rows
/// and leaves those that it is given as they are.
/// </summary>
/// <remarks>Those over many rows fit the argument <c>convert</c> of <c>ml.Data.LoadDataset</c>.</remarks>
public static class DatasetRows
{
    private const int AtOnce = 1000; // of datasets.map, within whose batches the chosen ones come first

    private static readonly string[] SideColumns = ["chosen", "rejected"];

    /// <summary>Whether a row holds messages (with <c>role</c>) rather than texts.</summary>
    /// <param name="row">By TRL's names.</param>
    public static bool IsConversational(JsonObject row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return HasMessages(TrlColumns.OfMessages.Select(name => row[name]).FirstOrDefault(value => value is not null));
    }

    /// <summary>Whether a row holds a conversation of <c>from</c> and <c>value</c>.</summary>
    /// <param name="row">With a column <c>conversations</c>.</param>
    public static bool IsConversationalFromValue(JsonObject row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row["conversations"] is JsonArray { Count: > 0 } messages && messages[0] is JsonObject first
            && first.ContainsKey("from") && first.ContainsKey("value");
    }

    /// <summary>
    /// <c>from</c> and <c>value</c> of messages become <c>role</c> and <c>content</c>, and the column <c>conversations</c> becomes
    /// <c>messages</c>; roles keep their names.
    /// </summary>
    /// <param name="row">Any row.</param>
    public static JsonObject MaybeConvertToChatml(JsonObject row)
    {
        ArgumentNullException.ThrowIfNull(row);
        var converted = new JsonObject();
        foreach ((string name, JsonNode? value) in row)
            converted[name == "conversations" ? "messages" : name] = value is JsonArray messages
                && (name == "conversations" || TrlColumns.OfMessages.Contains(name))
                ? new JsonArray([.. messages.Select(Chatml)])
                : value?.DeepClone();
        return converted;
    }

    /// <summary>
    /// Takes the prompt out of a pair: what <c>chosen</c> and <c>rejected</c> both begin with, whole messages of conversations and
    /// characters of texts, less a space at its end. Where one is the beginning of the other, the last that they share is no part of it.
    /// </summary>
    /// <param name="row">Its other columns are left out, as by TRL.</param>
    /// <returns><c>prompt</c>, <c>chosen</c>, <c>rejected</c>; the prompt is empty where they begin differently.</returns>
    /// <exception cref="ArgumentException">The two are not both texts, or both messages, or one of them is empty.</exception>
    public static JsonObject ExtractPrompt(JsonObject row)
    {
        ArgumentNullException.ThrowIfNull(row);
        (JsonNode? chosen, JsonNode? rejected) = (row["chosen"], row["rejected"]);
        if (chosen is JsonArray { Count: > 0 } better && rejected is JsonArray { Count: > 0 } worse)
        {
            int shared = 0, most = Math.Min(better.Count, worse.Count) - 1;
            while (shared < most && JsonNode.DeepEquals(better[shared], worse[shared]))
                shared++;
            return new JsonObject
            {
                ["prompt"] = Part(better, 0, shared),
                ["chosen"] = Part(better, shared, better.Count),
                ["rejected"] = Part(worse, shared, worse.Count),
            };
        }
        if (TextOf(chosen) is not { Length: > 0 } first || TextOf(rejected) is not { Length: > 0 } second)
            throw new ArgumentException(
                "The prompt cannot be extracted: chosen and rejected must both be texts, or both messages, and none may be empty.",
                nameof(row));
        (string prompt, first, second) = ImplicitPrompt.Extract(first, second);
        return new JsonObject { ["prompt"] = prompt, ["chosen"] = first, ["rejected"] = second };
    }

    /// <summary>
    /// <see cref="ExtractPrompt"/> of a pair that has no prompt, or whose prompt is a text beside messages (or messages beside texts),
    /// which then holds nothing that the pair has not; other rows as they are.
    /// </summary>
    /// <param name="row">Any row.</param>
    /// <exception cref="ArgumentException">As in <see cref="ExtractPrompt"/>.</exception>
    public static JsonObject MaybeExtractPrompt(JsonObject row)
    {
        ArgumentNullException.ThrowIfNull(row);
        bool isPair = row.ContainsKey("chosen") && row.ContainsKey("rejected");
        return isPair && (row["prompt"] is not { } prompt || HasMessages(prompt) != HasMessages(row["chosen"]))
            ? ExtractPrompt(row)
            : Copy(row);
    }

    /// <summary>
    /// Both sides of pairs as completions with a label: of each 1000 rows the chosen ones (true), then the rejected ones (false). Other
    /// columns stand beside both.
    /// </summary>
    /// <param name="rows">With <c>chosen</c> and <c>rejected</c>. Read as the result is.</param>
    /// <exception cref="ArgumentException">While the result is read: a row is no pair.</exception>
    public static IEnumerable<JsonObject> Unpair(IEnumerable<JsonObject> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return rows.Chunk(AtOnce).SelectMany(some => SideColumns.SelectMany(side => some.Select(row => Side(row, side))));
    }

    /// <summary><see cref="Unpair"/> of rows that are pairs, told by the first; others as they are.</summary>
    /// <param name="rows">Read as the result is.</param>
    /// <exception cref="ArgumentException">While the result is read: the first row is a pair, and another one is none.</exception>
    public static IEnumerable<JsonObject> MaybeUnpair(IEnumerable<JsonObject> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return UnpairedOrCopied(rows);
    }

    /// <summary>Whether a value is messages.</summary>
    internal static bool HasMessages(JsonNode? value) =>
        value is JsonArray { Count: > 0 } messages && messages[0] is JsonObject first && first.ContainsKey("role");

    /// <summary>The text that a value is; null where it is another.</summary>
    internal static string? TextOf(JsonNode? value) => value is JsonValue single && single.TryGetValue(out string? text) ? text : null;

    private static IEnumerable<JsonObject> UnpairedOrCopied(IEnumerable<JsonObject> rows)
    {
        bool? isPaired = null;
        foreach (JsonObject[] some in rows.Chunk(AtOnce))
        {
            isPaired ??= SideColumns.All(some[0].ContainsKey);
            foreach (JsonObject row in isPaired.Value ? Unpair(some) : some.Select(Copy))
                yield return row;
        }
    }

    private static JsonNode? Chatml(JsonNode? message)
    {
        if (message is not JsonObject fields)
            return message?.DeepClone();
        var converted = new JsonObject();
        foreach ((string name, JsonNode? value) in fields)
            converted[name switch { "from" => "role", "value" => "content", _ => name }] = value?.DeepClone();
        return converted;
    }

    private static JsonObject Side(JsonObject row, string side)
    {
        if (!SideColumns.All(row.ContainsKey))
            throw new ArgumentException("The row cannot be unpaired: it must have the columns chosen and rejected.");
        var completion = new JsonObject { ["completion"] = row[side]?.DeepClone(), ["label"] = side == "chosen" };
        foreach ((string name, JsonNode? value) in row)
            if (!SideColumns.Contains(name))
                completion[name] = value?.DeepClone();
        return completion;
    }

    private static JsonArray Part(JsonArray messages, int start, int end) =>
        new([.. messages.Skip(start).Take(end - start).Select(message => message?.DeepClone())]);

    private static JsonObject Copy(JsonObject row) => row.DeepClone().AsObject();
}
