using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl;

/// <summary>
/// A model's chat template: a Jinja template that makes one text of a conversation, executed as it was shipped, the way Hugging Face's
/// transformers sets Jinja up. A template reaches nothing but the data that it is given, and cannot run or grow without bounds.
/// Immutable; may be used by several threads.
/// </summary>
/// <remarks>
/// Of Jinja there is what chat templates use: not template inheritance (block, extends, include, import), autoescape, and the filters
/// pprint, random, urlize, wordwrap and xmlattr.
/// </remarks>
public sealed class ChatTemplate
{
    private readonly TemplateSource _source;
    private readonly IReadOnlyList<IJinjaStatement> _statements;

    private ChatTemplate(string text, TemplateSource source)
    {
        Text = text;
        _source = source;
        (_statements, MarksGeneration) = JinjaParser.Parse(source);
    }

    /// <summary>The template as it was given.</summary>
    public string Text { get; }

    /// <summary>Whether it has generation blocks.</summary>
    internal bool MarksGeneration { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="text">The template.</param>
    /// <param name="source">Where it comes from, for messages; null: unknown.</param>
    /// <exception cref="InvalidDataException">It is no Jinja template; the message says where and what was expected.</exception>
    /// <exception cref="NotSupportedException">It uses a part of Jinja that is missing here, which the message names.</exception>
    public static ChatTemplate Parse(string text, string? source = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        var read = new TemplateSource(text, source is null ? "the chat template" : $"the chat template of {source}");
        return new ChatTemplate(text, read);
    }

    /// <summary>The text of a conversation.</summary>
    /// <param name="messages">
    /// In their order. Further fields that a template may read stand in a message's additional properties; a call of a function is
    /// <c>tool_calls</c>, reasoning is <c>reasoning_content</c>.
    /// </param>
    /// <param name="options">What else the template is given; null: nothing.</param>
    /// <exception cref="NotSupportedException">A message holds other things than texts, reasoning, function calls and results.</exception>
    /// <exception cref="ArgumentException">The options contradict each other, or there is no message to continue.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails, or passes a limit.</exception>
    public RenderedChat Render(IEnumerable<ChatMessage> messages, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Render(new ListValue([.. messages.SelectMany(ChatMessageValues.Of)]), options);
    }

    /// <summary>The text of a conversation.</summary>
    /// <param name="messages">Objects with "role", "content" and whatever else the template reads.</param>
    /// <param name="options">What else the template is given; null: nothing.</param>
    /// <exception cref="ArgumentException">The options contradict each other, or there is no message to continue.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails, or passes a limit.</exception>
    public RenderedChat Render(JsonArray messages, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Render((ListValue)JsonValues.Of(messages), options);
    }

    /// <summary>The text of a conversation.</summary>
    /// <param name="messagesJson">A JSON array of objects with "role", "content" and whatever else the template reads.</param>
    /// <param name="options">What else the template is given; null: nothing.</param>
    /// <exception cref="InvalidDataException">It is no such text.</exception>
    /// <exception cref="ArgumentException">The options contradict each other, or there is no message to continue.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, fails, or passes a limit.</exception>
    public RenderedChat Render(string messagesJson, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messagesJson);
        return Render(MessageList.ReadArray(messagesJson), options);
    }

    /// <summary>The text of a conversation.</summary>
    internal RenderedChat Render(ListValue messages, ChatTemplateOptions? options)
    {
        ChatTemplateOptions valid = (options ?? new ChatTemplateOptions()).Validated();
        FinalMessage? final = valid.ContinueFinalMessage ? FinalMessage.Mark(messages) : null;
        var run = new Rendering(_source.Name, valid);
        run.Globals["messages"] = final?.Messages ?? messages;
        run.Globals["tools"] = JsonValues.Of(valid.Tools);
        run.Globals["documents"] = JsonValues.Of(valid.Documents);
        run.Globals["add_generation_prompt"] = valid.AddGenerationPrompt;
        foreach ((string name, JsonNode? value) in valid.Variables)
            run.Globals[name] = JsonValues.Of(value);
        new TemplateScope(run).Execute(_statements);
        var chat = new RenderedChat(run.Text, run.Spans);
        return final is null ? chat : final.Cut(chat);
    }
}
