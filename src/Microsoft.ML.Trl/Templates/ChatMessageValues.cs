using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Messages of Microsoft.Extensions.AI as templates read them: the objects of transformers' conversations.</summary>
internal static class ChatMessageValues
{
    private static readonly JsonSerializerOptions Compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>What a template sees of a message; several objects where it carries the results of several calls.</summary>
    /// <param name="message">
    /// Texts, reasoning, calls of functions and their results; its additional properties become further fields.
    /// </param>
    /// <exception cref="NotSupportedException">It holds something else, such as an image.</exception>
    public static IEnumerable<DictValue> Of(ChatMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        FunctionResultContent[] results = [.. message.Contents.OfType<FunctionResultContent>()];
        AIContent? strange = message.Contents.FirstOrDefault(content =>
            content is not (TextContent or TextReasoningContent or FunctionCallContent or FunctionResultContent or UsageContent));
        if (strange is not null)
            throw new NotSupportedException(
                $"A message of the {message.Role} holds {strange.GetType().Name}; chat templates are given texts, reasoning, calls of "
                + "functions and their results. Leave it out, or describe it in words.");
        foreach (FunctionResultContent result in results)
            yield return Object(message, [("content", Text(result.Result)), ("tool_call_id", result.CallId)]);
        if (results.Length > 0 && message.Contents.Count == results.Length)
            yield break;
        List<(string, JsonNode?)> fields = [("content", message.Text)];
        string reasoning = string.Concat(message.Contents.OfType<TextReasoningContent>().Select(content => content.Text));
        if (reasoning.Length > 0)
            fields.Add(("reasoning_content", reasoning));
        JsonNode?[] calls = [.. message.Contents.OfType<FunctionCallContent>().Select(Call)];
        if (calls.Length > 0)
            fields.Add(("tool_calls", new JsonArray(calls)));
        yield return Object(message, fields);
    }

    private static DictValue Object(ChatMessage message, IReadOnlyList<(string Name, JsonNode? Value)> fields)
    {
        var value = new DictValue();
        value.Set("role", message.Role.Value);
        foreach ((string name, JsonNode? field) in fields)
            value.Set(name, JsonValues.Of(field));
        if (message.AuthorName is { } author)
            value.Set("name", author);
        foreach ((string name, object? extra) in message.AdditionalProperties ?? [])
            value.Set(name, JsonValues.Of(Node(extra)));
        return value;
    }

    private static JsonObject Call(FunctionCallContent call) => new()
    {
        ["id"] = call.CallId,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = Node(call.Arguments ?? new Dictionary<string, object?>()) },
    };

    private static string Text(object? result) => result as string ?? Node(result)?.ToJsonString(Compact) ?? "null";

    /// <summary>Any value as JSON.</summary>
    public static JsonNode? Node(object? value) =>
        value is JsonNode node ? node.DeepClone() : JsonSerializer.SerializeToNode(value, AIJsonUtilities.DefaultOptions);
}
