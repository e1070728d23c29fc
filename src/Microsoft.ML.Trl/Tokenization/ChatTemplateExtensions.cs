using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl;

/// <summary>Conversations as texts, by the template of a model's tokenizer.</summary>
public static class ChatTemplateExtensions
{
    /// <summary>
    /// The text of a conversation by <see cref="TextTokenizer.ChatTemplate"/>, with the tokenizer's special tokens as bos_token, eos_token
    /// and so on. It has them written out: encode it without adding any.
    /// </summary>
    /// <param name="tokenizer">A tokenizer with a chat template.</param>
    /// <param name="messages">In their order.</param>
    /// <param name="options">What else the template is given; null: nothing.</param>
    /// <exception cref="InvalidOperationException">The tokenizer has no chat template.</exception>
    /// <exception cref="NotSupportedException">A message holds other things than texts, reasoning, function calls and results.</exception>
    /// <exception cref="ArgumentException">The options contradict each other, or there is no message to continue.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails, or passes a limit.</exception>
    public static RenderedChat ApplyChatTemplate(
        this TextTokenizer tokenizer, IEnumerable<ChatMessage> messages, ChatTemplateOptions? options = null)
        => tokenizer.RequireChatTemplate(options).Render(messages, WithTokens(tokenizer, options));

    /// <summary>
    /// The text of a conversation by <see cref="TextTokenizer.ChatTemplate"/>, with the tokenizer's special tokens as bos_token, eos_token
    /// and so on. It has them written out: encode it without adding any.
    /// </summary>
    /// <param name="tokenizer">A tokenizer with a chat template.</param>
    /// <param name="messagesJson">A JSON array of objects with "role", "content" and whatever else the template reads.</param>
    /// <param name="options">What else the template is given; null: nothing.</param>
    /// <exception cref="InvalidOperationException">The tokenizer has no chat template.</exception>
    /// <exception cref="InvalidDataException">The messages are not such a text.</exception>
    /// <exception cref="ArgumentException">The options contradict each other, or there is no message to continue.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails, or passes a limit.</exception>
    public static RenderedChat ApplyChatTemplate(this TextTokenizer tokenizer, string messagesJson, ChatTemplateOptions? options = null)
        => tokenizer.RequireChatTemplate(options).Render(messagesJson, WithTokens(tokenizer, options));

    /// <summary>The same of messages as templates read them.</summary>
    internal static RenderedChat ApplyChatTemplate(this TextTokenizer tokenizer, ListValue messages, ChatTemplateOptions options)
        => tokenizer.RequireChatTemplate(options).Render(messages, WithTokens(tokenizer, options));

    /// <summary>The tokenizer's template; that for tools, where some are given.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    internal static ChatTemplate RequireChatTemplate(this TextTokenizer tokenizer, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return (options?.Tools is null ? tokenizer.Chat.Default : tokenizer.Chat.ForTools) ?? throw new InvalidOperationException(
            $"The tokenizer has no chat template: no \"chat_template\" in {TokenizerFiles.Config} and no {TokenizerChat.File}. "
            + $"Use a model that was trained on conversations, or give it a template of your own: {nameof(TextTokenizer)}."
            + $"{nameof(TextTokenizer.WithChatTemplate)}.");
    }

    private static ChatTemplateOptions WithTokens(TextTokenizer tokenizer, ChatTemplateOptions? options)
    {
        options ??= new ChatTemplateOptions();
        var variables = new Dictionary<string, JsonNode?>(tokenizer.Chat.Tokens);
        foreach ((string name, JsonNode? value) in options.Variables)
            variables[name] = value;
        return options with { Variables = variables };
    }
}
