using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Chat;

/// <summary>What a chat client was asked for, in the model's terms.</summary>
/// <param name="Prompt">Token ids of the conversation by the model's chat template, up to where the assistant begins.</param>
/// <param name="Seed">Seed of its draws, a function of the conversation.</param>
/// <param name="Options">How it is answered; its stop strings end the answer and are no part of it.</param>
internal sealed record ChatRequest(int[] Prompt, long Seed, GenerationOptions Options)
{
    /// <summary>How the model writes calls of functions; null = none are offered, or they stay text.</summary>
    public ToolCallFormat? Calls { get; private init; }

    /// <summary>Calls of functions in the conversation before.</summary>
    public int CallsBefore { get; private init; }

    /// <summary>Renders the conversation and reads the options.</summary>
    /// <param name="model">Has a chat template.</param>
    /// <param name="messages">The conversation.</param>
    /// <param name="chat">Null = the model's own options.</param>
    /// <param name="conversations">With variables of the template that are given where the request names none; null = none.</param>
    /// <exception cref="ArgumentException">An option is out of range, or the conversation fills the model's context.</exception>
    /// <exception cref="NotSupportedException">The model cannot follow an option; the message names it and says what to do.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public static ChatRequest Read(
        LanguageModel model, IEnumerable<ChatMessage> messages, ChatOptions? chat, ConversationOptions? conversations = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        chat ??= new ChatOptions();
        RefuseWhatHasNoMeaning(chat);
        if (chat.Instructions is { } instructions)
            messages = messages.Prepend(new ChatMessage(ChatRole.System, instructions));
        ChatMessage[] conversation = [.. messages];
        Dictionary<string, JsonNode?> variables = ConversationRows.Options(TemplateCells.OfAll(conversations)).Variables.ToDictionary();
        foreach ((string name, object? value) in chat.AdditionalProperties ?? [])
            variables[name] = ChatMessageValues.Node(value);
        var options = new ChatTemplateOptions { Tools = Tools(chat), Variables = variables };
        RenderedChat rendered = model.Tokenizer.ApplyChatTemplate(conversation, options with { AddGenerationPrompt = true });
        int[] prompt = model.Tokenizer.Encode(rendered.Text);
        if (model.Codec.Unanswerable(prompt) is { } reason)
            throw new ArgumentException($"The conversation cannot be answered: {reason}", nameof(messages));
        return new ChatRequest(prompt, PromptSeed.Of(rendered.Text), Generation(model.Generation, chat))
        {
            Calls = options.Tools is null ? null : CallFormat(model.Tokenizer, options),
            CallsBefore = conversation.Sum(message => message.Contents.OfType<FunctionCallContent>().Count()),
        };
    }

    private static ToolCallFormat? CallFormat(TextTokenizer tokenizer, ChatTemplateOptions options)
    {
        try
        {
            return ToolCallFormat.Of(tokenizer, options);
        }
        catch (Exception cause) when (cause is InvalidOperationException or NotSupportedException)
        {
            return null; // a template that only tells of functions: what the model makes of them is text
        }
    }

    private static GenerationOptions Generation(GenerationOptions own, ChatOptions chat)
    {
        GenerationOptions options = own;
        if (chat.MaxOutputTokens is { } most)
            options = options with { MaxNewTokens = most, MinNewTokens = Math.Min(options.MinNewTokens, Math.Max(most, 0)) };
        if (chat.Temperature is { } temperature)
            options = temperature == 0 ? options with { DoSample = false } : options with { DoSample = true, Temperature = temperature };
        if (chat.TopP is { } share)
            options = options with { TopP = share };
        if (chat.TopK is { } count)
            options = options with { TopK = count };
        if (chat.Seed is { } seed)
            options = options with { Seed = unchecked((int)(seed ^ (seed >> 32))) };
        if (chat.StopSequences is { } ends)
            options = options with { StopStrings = [.. options.StopStrings, .. ends] };
        if (chat.ResponseFormat is ChatResponseFormatJson json)
            options = options with
            {
                Constraint = json.Schema is { } schema ? TextConstraint.JsonSchema(schema.GetRawText()) : throw new NotSupportedException(
                    "ResponseFormat asks for JSON of any kind; give its schema: ChatResponseFormat.ForJsonSchema."),
            };
        return options.ValidatedForDraws("a chat client");
    }

    private static void RefuseWhatHasNoMeaning(ChatOptions chat)
    {
        Refuse(chat.FrequencyPenalty is not (null or 0), nameof(chat.FrequencyPenalty), "Set RepetitionPenalty in the model's Generation.");
        Refuse(chat.PresencePenalty is not (null or 0), nameof(chat.PresencePenalty), "Set RepetitionPenalty in the model's Generation.");
        Refuse(chat.ConversationId is not null, nameof(chat.ConversationId), "Give all messages of the conversation with each request.");
        Refuse(chat.ModelId is not null, nameof(chat.ModelId), "A client has one model; make another client of another model.");
        Refuse(chat.Reasoning is not null, nameof(chat.Reasoning), "Set the variable of the model's template in AdditionalProperties.");
        Refuse(
            chat.ToolMode is RequiredChatToolMode, nameof(chat.ToolMode), "A model cannot be made to call a function; use Auto, or None.");
        Refuse(chat.AllowMultipleToolCalls == false, nameof(chat.AllowMultipleToolCalls), "Say it in the instructions.");
        Refuse(chat.RawRepresentationFactory is not null, nameof(chat.RawRepresentationFactory), "Set the model's Generation.");
        Refuse(chat.AllowBackgroundResponses == true, "AllowBackgroundResponses", "Await the response, or stream it.");

        static void Refuse(bool isSet, string name, string advice)
        {
            if (isSet)
                throw new NotSupportedException($"{name} has no meaning for this model. {advice}");
        }
    }

    private static JsonArray? Tools(ChatOptions chat)
    {
        if (chat.Tools is not { Count: > 0 } tools || chat.ToolMode is NoneChatToolMode)
            return null;
        return Conversation.Schemas(tools);
    }
}
