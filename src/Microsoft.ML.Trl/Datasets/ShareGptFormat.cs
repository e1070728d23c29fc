using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>conversations of from and value.</summary>
internal static class ShareGptFormat
{
    private static readonly Dictionary<string, string> Roles = new()
    {
        ["human"] = "user", ["user"] = "user", ["gpt"] = "assistant", ["assistant"] = "assistant", ["chatgpt"] = "assistant",
        ["bing"] = "assistant", ["bard"] = "assistant", ["model"] = "assistant", ["system"] = "system", ["tool"] = "tool",
        ["observation"] = "tool",
    };

    public static bool Fits(JsonObject row) => row["conversations"] is JsonArray { Count: > 0 } messages && messages[0] is JsonObject first
        && (first.ContainsKey("from") || first.ContainsKey("role")) && !row.ContainsKey("messages");

    /// <exception cref="FormatException">There is no conversation, or a role that is not known.</exception>
    public static JsonObject Convert(JsonObject row)
    {
        if (RowFormats.Take(row, "conversations") is not JsonArray { Count: > 0 } said)
            throw RowFormats.Missing("conversations", "a list of messages");
        JsonArray messages = Messages(said);
        if (row["system"] is { } system && (messages[0] as JsonObject)?["role"]?.ToString() != "system")
            messages.Insert(0, new JsonObject { ["role"] = "system", ["content"] = system.DeepClone() });
        row.Remove("system");
        bool isPair = row["chosen"] is JsonObject or JsonArray && row["rejected"] is JsonObject or JsonArray;
        row[isPair ? "prompt" : "messages"] = messages;
        if (!isPair)
            return row;
        foreach (string side in new[] { "chosen", "rejected" })
            row[side] = Messages(row[side] is JsonArray many ? many : [row[side]!.DeepClone()]);
        return row;
    }

    private static JsonArray Messages(JsonArray said) => new([.. said.Select(Message)]);

    private static JsonNode? Message(JsonNode? said)
    {
        if (said is not JsonObject fields)
            throw new FormatException("a message is no object with \"from\" and \"value\".");
        string role = DatasetRows.TextOf(fields["from"] ?? fields["role"]) ?? throw RowFormats.Missing("from", "a text");
        if (!Roles.TryGetValue(role, out string? known))
            throw new FormatException(
                $"a message is from '{role}'; known are {string.Join(", ", Roles.Keys)}. Write calls of functions as messages with "
                + "\"role\" and \"tool_calls\", and read them with Format Columns.");
        var message = new JsonObject { ["role"] = known, ["content"] = (fields["value"] ?? fields["content"])?.DeepClone() };
        foreach ((string name, JsonNode? value) in fields)
            if (name is not ("from" or "role" or "value" or "content"))
                message[name] = value?.DeepClone();
        return message;
    }
}
