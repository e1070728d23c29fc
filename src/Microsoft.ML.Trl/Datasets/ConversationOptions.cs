using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Reads text columns as conversations: each prompt, completion, chosen or rejected text is then a JSON array of messages with "role" and
/// "content", of which the model's chat template makes a text. Without these options a text is a text, however it begins.
/// </summary>
/// <remarks><see cref="Conversation.ToJson(IEnumerable{Microsoft.Extensions.AI.ChatMessage})"/> writes such texts.</remarks>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ConversationOptions
{
    /// <summary>
    /// Text column with the functions that the assistant may call, read where it is there: a JSON array of their schemas, as
    /// <see cref="Conversation.ToJson(IEnumerable{Microsoft.Extensions.AI.AITool})"/> writes it. Empty = none.
    /// </summary>
    public string ToolsColumnName { get; init; } = "Tools";

    /// <summary>
    /// Text column with further variables of the chat template, read where it is there: a JSON object, such as
    /// <c>{"enable_thinking": false}</c>. Empty = none.
    /// </summary>
    public string ChatTemplateKwargsColumnName { get; init; } = "ChatTemplateKwargs";

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A column has no name.</exception>
    internal ConversationOptions Validated()
    {
        Require.Named(ToolsColumnName);
        Require.Named(ChatTemplateKwargsColumnName);
        return this;
    }
}
