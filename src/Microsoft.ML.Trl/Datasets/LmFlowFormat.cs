using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Instances of LMFlow's files, of all types that hold texts.</summary>
internal static class LmFlowFormat
{
    /// <exception cref="FormatException">It is an instance of no type that can be read.</exception>
    public static JsonObject Convert(JsonObject row)
    {
        if (row["chosen"] is JsonObject && row["rejected"] is JsonObject)
            return Pair(row);
        if (row.ContainsKey("messages"))
            return Talk(row);
        if (row.ContainsKey("input") && row.ContainsKey("output"))
        {
            string input = RowFormats.TakeText(row, "input"), output = RowFormats.TakeText(row, "output");
            row["prompt"] = input;
            row["completion"] = output;
            return row;
        }
        if (row.ContainsKey("text") || (row.ContainsKey("chosen") && row.ContainsKey("rejected")))
            return row;
        throw new FormatException(
            $"the instance has {string.Join(", ", row.Select(pair => pair.Key))}; it must have text, input and output, messages, or chosen "
            + "and rejected.");
    }

    private static JsonObject Talk(JsonObject talk)
    {
        talk.Remove("conversation_id");
        talk["messages"] = Messages(talk);
        talk.Remove("system");
        if (talk["tools"] is JsonArray tools)
            talk["tools"] = new JsonArray([.. tools.Select(Tool)]);
        return talk;
    }

    private static JsonObject Pair(JsonObject row)
    {
        foreach (string side in new[] { "chosen", "rejected" })
        {
            JsonObject talk = Talk(row[side]!.AsObject());
            row[side] = RowFormats.Take(talk, "messages");
            if (RowFormats.Take(talk, "tools") is { } tools)
                row["tools"] = tools;
        }
        return row;
    }

    /// <summary>As LMFlow's pipeline takes them: pairs of turns; what nobody answers is left out, and an empty text is a space.</summary>
    private static JsonArray Messages(JsonObject talk)
    {
        if (talk["messages"] is not JsonArray said)
            throw RowFormats.Missing("messages", "a list of messages");
        List<JsonObject> messages = [];
        foreach (JsonNode? one in said)
        {
            if (one is not JsonObject message || DatasetRows.TextOf(message["role"]) is null)
                throw new FormatException("a message is no object with \"role\" and \"content\".");
            JsonObject copy = message.DeepClone().AsObject();
            if (DatasetRows.TextOf(copy["content"]) is null or "")
                copy["content"] = " ";
            messages.Add(copy);
        }
        if (messages.Count % 2 != 0)
            messages.RemoveAt(messages.Count - 1);
        if (messages.Count == 0)
            throw new FormatException("the conversation has no answer; it needs a message of the user and one of the assistant.");
        if (DatasetRows.TextOf(talk["system"]) is { } system)
            messages.Insert(0, new JsonObject { ["role"] = "system", ["content"] = system });
        return new JsonArray([.. messages]);
    }

    // A description is a text; where that is a schema in JSON, chat templates need the schema.
    private static JsonNode? Tool(JsonNode? tool)
    {
        if (DatasetRows.TextOf(tool) is not { } text)
            return tool?.DeepClone();
        try
        {
            return StrictJson.Node(text) as JsonObject ?? tool!.DeepClone();
        }
        catch (JsonException)
        {
            return tool!.DeepClone();
        }
    }
}
