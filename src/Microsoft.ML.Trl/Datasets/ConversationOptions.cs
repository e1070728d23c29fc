using System.Text.Json;
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

    /// <summary>
    /// TRL's <c>chat_template_kwargs</c>: such variables for all rows, as a JSON object; where a row names one too, its own value counts.
    /// The fitted stage renders its prompts with them, and so does its chat client. Empty = none.
    /// </summary>
    public string ChatTemplateKwargs { get; init; } = "";

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A column has no name, or the variables are no JSON object.</exception>
    internal ConversationOptions Validated()
    {
        Require.Named(ToolsColumnName);
        Require.Named(ChatTemplateKwargsColumnName);
        ArgumentNullException.ThrowIfNull(ChatTemplateKwargs);
        try
        {
            if (!string.IsNullOrWhiteSpace(ChatTemplateKwargs))
                _ = StrictJson.Object(ChatTemplateKwargs);
        }
        catch (JsonException cause)
        {
            throw new ArgumentException(
                $"ChatTemplateKwargs ({ChatTemplateKwargs}) must be a JSON object of names and values, such as "
                + $"{{\"enable_thinking\": false}}, or empty: {cause.Message}", nameof(ChatTemplateKwargs), cause);
        }
        return this;
    }
}
