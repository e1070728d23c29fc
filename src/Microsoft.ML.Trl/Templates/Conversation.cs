using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl;

/// <summary>Conversations and tools as the JSON texts that columns of a data view hold; see <see cref="ConversationOptions"/>.</summary>
/// <example>
/// <c>new Row { Prompt = Conversation.ToJson([new ChatMessage(ChatRole.User, "Who are you?")]) }</c>
/// </example>
public static class Conversation
{
    private static readonly CallArguments None = new("tojson", [], []);
    private static readonly ChatTemplateOptions Unlimited = new() { StepLimit = long.MaxValue, LengthLimit = int.MaxValue };

    /// <summary>A conversation as a JSON array of messages: what a chat template is given of them.</summary>
    /// <param name="messages">In their order.</param>
    /// <exception cref="NotSupportedException">A message holds other things than texts, reasoning, function calls and results.</exception>
    public static string ToJson(IEnumerable<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return ToJson(new ListValue([.. messages.SelectMany(ChatMessageValues.Of)]));
    }

    /// <summary>Functions as a JSON array of the schemas that chat templates are given.</summary>
    /// <param name="tools">Functions that the assistant may call.</param>
    /// <exception cref="NotSupportedException">A tool is no function.</exception>
    public static string ToJson(IEnumerable<AITool> tools)
    {
        ArgumentNullException.ThrowIfNull(tools);
        return ToJson(JsonValues.Of(Schemas(tools)));
    }

    /// <summary>The schemas of functions.</summary>
    internal static JsonArray Schemas(IEnumerable<AITool> tools) => new([.. tools.Select(tool => Schema(
        tool as AIFunctionDeclaration ?? throw new NotSupportedException(
            $"The tool '{tool?.Name}' is a {tool?.GetType().Name ?? "null"}; this model can be told of functions only (AIFunction).")))]);

    private static JsonObject Schema(AIFunctionDeclaration function) => new()
    {
        ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = function.Name,
            ["description"] = function.Description,
            ["parameters"] = JsonNode.Parse(function.JsonSchema.GetRawText()),
        },
    };

    internal static string ToJson(object value) =>
        JsonText.Of(new Rendering("a conversation", Unlimited), value, None);
}
