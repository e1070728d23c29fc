using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Text;

/// <summary>
/// Conversations in JSON by the model's chat template, which writes all special tokens itself: what TRL's trainers do with data whose
/// columns hold messages.
/// </summary>
/// <param name="tokenizer">Has a chat template.</param>
internal sealed class ConversationRows(TextTokenizer tokenizer) : RowCodec
{
    /// <remarks>Ends where the assistant begins, or, where the assistant has the last word, within that message.</remarks>
    public override RowPrompt Prompt(string prompt, TemplateCells with)
    {
        MessageList? messages = string.IsNullOrWhiteSpace(prompt) ? null : MessageList.Parse(prompt);
        if (messages is not { Values.Count: > 0 })
            return new RowPrompt(prompt, with, "", [], true);
        ChatTemplateOptions options = Options(with) with
        {
            AddGenerationPrompt = !messages.EndsWithAssistant,
            ContinueFinalMessage = messages.EndsWithAssistant,
        };
        string text = Render(messages, options).Text;
        return new RowPrompt(prompt, with, text, tokenizer.Encode(text), true);
    }

    public override RowTokens Continued(string? prompt, string completion, TemplateCells with, bool marksAssistant = false) => Continued(
        prompt is null ? null : MessageList.Parse(prompt), MessageList.Parse(completion), Options(with), marksAssistant);

    public override (RowTokens Chosen, RowTokens Rejected) Pair(string? prompt, string chosen, string rejected, TemplateCells with)
    {
        (MessageList better, MessageList worse) = (MessageList.Parse(chosen), MessageList.Parse(rejected));
        MessageList head;
        (head, better, worse) = prompt is null
            ? MessageList.ExtractPrompt(better, worse)
            : (MessageList.Parse(prompt), better, worse);
        ChatTemplateOptions options = Options(with);
        return (Continued(head, better, options), Continued(head, worse, options));
    }

    public override int[] Answered(string? prompt, string answer, TemplateCells with, bool hasEnded = true)
    {
        if (prompt is null && string.IsNullOrWhiteSpace(answer))
            return [];
        MessageList messages = prompt is null
            ? MessageList.Parse(answer)
            : MessageList.Parse(prompt).Then(MessageList.OfAssistant(answer));
        return tokenizer.Encode(Render(messages, Options(with)).Text);
    }

    /// <remarks>
    /// A completion is messages of its own, so the prompt always ends where another message of the assistant begins; templates that begin
    /// it in another way than they continue it give other tokens there.
    /// </remarks>
    private RowTokens Continued(MessageList? prompt, MessageList completion, ChatTemplateOptions options, bool marksAssistant = false)
    {
        int[] head = prompt is null ? [] : tokenizer.Encode(Render(prompt, options with { AddGenerationPrompt = true }).Text);
        RenderedChat chat = Render(prompt?.Then(completion) ?? completion, options);
        int[] ids = tokenizer.Encode(chat.Text);
        return new RowTokens(head, ids, marksAssistant ? tokenizer.Covered(chat.Text, ids, chat.GenerationSpans) : null);
    }

    private RenderedChat Render(MessageList messages, ChatTemplateOptions options) => tokenizer.ApplyChatTemplate(messages.Values, options);

    /// <summary>What a row gives the chat template.</summary>
    /// <exception cref="InvalidDataException">It is not JSON of the kind that is expected.</exception>
    public static ChatTemplateOptions Options(TemplateCells with) => new()
    {
        // Some templates announce tools even where the list is empty.
        Tools = Read<JsonArray>(with.Tools, "tools", "array of functions' schemas") is { Count: > 0 } tools ? tools : null,
        Variables = Read<JsonObject>(with.Kwargs, "template's arguments", "object of names and values")?.ToDictionary() ?? [],
    };

    private static T? Read<T>(string json, string what, string expected)
        where T : JsonNode
    {
        if (string.IsNullOrWhiteSpace(json))
            return null;
        string problem;
        try
        {
            if (StrictJson.Node(json) is T node)
                return node;
            problem = "they are other JSON";
        }
        catch (JsonException cause)
        {
            problem = cause.Message;
        }
        throw new InvalidDataException($"The {what} cannot be read: {problem}. They must be a JSON {expected}, or an empty text.");
    }
}
