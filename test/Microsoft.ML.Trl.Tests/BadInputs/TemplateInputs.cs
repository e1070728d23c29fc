using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Chat templates: texts that are none, conversations that they cannot read, and templates that would not end.</summary>
internal static class TemplateInputs
{
    private const string Parse = "ChatTemplate.Parse", Render = "ChatTemplate.Render", Apply = "ChatTemplateExtensions.ApplyChatTemplate";
    private const string Given = "TextTokenizer.WithChatTemplate";
    private const string ByJson = "ChatTemplate.Render(System.String", ByMessages = "ChatTemplate.Render(System.Collections";

    private static readonly ChatMessage[] Hello = [new(ChatRole.User, "Hi")];

    private static readonly ChatTemplate Plain = ChatTemplate.Parse("{% for m in messages %}{{ m.content }}{% endfor %}");

    public static IEnumerable<BadInput> All() => [.. Parsing(), .. Rendering(), .. Limits(), .. Tokenizers()];

    private static IEnumerable<BadInput> Parsing() =>
    [
        Null(Parse, "text", () => ChatTemplate.Parse(null!)),
        .. new[] { "{% if %}", "{{ a", "{% for x in %}", "{% endfor %}", "{{ 1 + }}", "{{ a b }}", "{% macro %}", "{{ 'a }}" }
            .Select(text => Of<InvalidDataException>(Parse, () => ChatTemplate.Parse(text, "x"), ["the chat template of x, line 1"], text)),
        .. new[] { "include 'a'", "import 'a' as b", "extends 'a'", "block a", "autoescape true" }.Select(tag => Of<NotSupportedException>(
            Parse, () => ChatTemplate.Parse("{% " + tag + " %}"), [$"the tag '{tag.Split(' ')[0]}' is not supported"], tag)),
        Null(Given, "template", () => Tiny.Tokenizer.WithChatTemplate(null!)),
        Of<InvalidDataException>(
            Given, () => Tiny.Tokenizer.WithChatTemplate("{% if %}"), ["the chat template of the given text, line 1, column 7: expected"]),
        Of<NotSupportedException>(
            Given, () => Tiny.Tokenizer.WithChatTemplate("{% include 'a' %}"), ["the tag 'include' is not supported"]),
    ];

    private static IEnumerable<BadInput> Rendering() =>
    [
        Null(Render, "messages", () => Plain.Render((IEnumerable<ChatMessage>)null!)),
        Null(Render, "messages", () => Plain.Render((JsonArray)null!)),
        Null(Render, "messagesJson", () => Plain.Render((string)null!)),
        Null(Render, "message", () => Plain.Render((ChatMessage[])[null!])),
        .. new[] { "", "{}", "3", "[", "null" }.Select(json => Of<InvalidDataException>(
            ByJson, () => Plain.Render(json), ["messages are", "an array of objects"], $"messages {json}")),
        Of<ArgumentException>(
            ByMessages, () => Plain.Render(Hello, new() { AddGenerationPrompt = true, ContinueFinalMessage = true }),
            ["AddGenerationPrompt and ContinueFinalMessage"]),
        Of<ArgumentException>(
            ByMessages, () => Plain.Render((ChatMessage[])[], new() { ContinueFinalMessage = true }), ["there is nothing to continue"]),
        Of<NotSupportedException>(
            ByMessages, () => Plain.Render([new ChatMessage(ChatRole.User, [new UriContent("http://x/y.png", "image/png")])]),
            ["message of the user holds UriContent", "in words"]),
        Failed("{{ raise_exception('no system role') }}", "no system role"),
        Failed("{{ messages[0].content.nothing.there }}", "line 1"), Failed("{{ 1 / 0 }}", "line 1"),
        Failed("{{ messages.__class__.__mro__[1] }}", "line 1"), Failed("{{ nothing() }}", "line 1"),
    ];

    private static IEnumerable<BadInput> Limits() =>
    [
        Of<ArgumentOutOfRangeException>(ByMessages, () => Plain.Render(Hello, new() { StepLimit = 0 }), ["StepLimit (0)"]),
        Of<ArgumentOutOfRangeException>(ByMessages, () => Plain.Render(Hello, new() { LengthLimit = -1 }), ["LengthLimit (-1)"]),
        Failed("{% for a in range(999999999) %}{% endfor %}", "larger than MAX_RANGE"), Failed("{{ 'a' * 999999999 }}", "limit"),
        Failed("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "line 1"),
        Of<ChatTemplateException>(ByMessages, () => Plain.Render(Hello, new() { LengthLimit = 1 }), ["limit"]),
        Of<ChatTemplateException>(ByMessages, () => Plain.Render(Hello, new() { StepLimit = 1 }), ["limit"]),
    ];

    private static IEnumerable<BadInput> Tokenizers() =>
    [
        Null(Apply, "tokenizer", () => ((TextTokenizer)null!).ApplyChatTemplate(Hello)),
        Of<InvalidOperationException>(
            Apply, () => Tiny.Tokenizer.ApplyChatTemplate(Hello), ["no chat template", "chat_template.jinja", Given]),
    ];

    private static BadInput Failed(string template, params string[] words) => Of<ChatTemplateException>(
        ByMessages, () => ChatTemplate.Parse(template).Render(Hello), words, template);
}
