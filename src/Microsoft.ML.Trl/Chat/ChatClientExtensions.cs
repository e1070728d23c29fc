using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Chat;

namespace Microsoft.ML.Trl;

/// <summary>Language models as chat clients of Microsoft.Extensions.AI.</summary>
public static class ChatClientExtensions
{
    /// <summary>
    /// A chat client that answers with this model: by its chat template, streaming or whole, with the usage in tokens and the reason why
    /// an answer ended. Functions among the tools are told to the template, and calls that the model writes come back as
    /// <see cref="FunctionCallContent"/>, for a client that calls them. Where its template writes no calls they are text.
    /// </summary>
    /// <remarks>
    /// The client follows Temperature (0 = the likeliest token), TopP, TopK, Seed, MaxOutputTokens, StopSequences, Instructions, Tools, and
    /// a ResponseFormat with a JSON schema, to which generation is held; AdditionalProperties are variables of the template. Other options
    /// are refused by name. What is not set is as in the model's <see cref="LanguageModel.Generation"/>. Requests at the same time are
    /// answered one after another. An answer to a request with tools comes in one piece, since its text may be a call.
    /// </remarks>
    /// <param name="model">The caller owns it, and disposes it after the client's last use.</param>
    /// <param name="modelId">What responses and metadata call the model; null = nothing.</param>
    /// <exception cref="InvalidOperationException">The model's tokenizer has no chat template.</exception>
    /// <exception cref="InvalidDataException">The template is no Jinja template.</exception>
    /// <exception cref="NotSupportedException">
    /// The template uses a part of Jinja that is missing here; of the client's methods: an option that it cannot follow.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// Of the client's methods: an option is out of range, or the conversation fills the model's context.
    /// </exception>
    /// <exception cref="ChatTemplateException">Of the client's methods: the template refuses the conversation.</exception>
    public static IChatClient AsChatClient(this LanguageModel model, string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        model.Tokenizer.RequireChatTemplate();
        return new LanguageModelChatClient(model, modelId);
    }

    /// <summary>
    /// A chat client that answers with a transformer's model; see the other overload. Variables of the template that the stage was trained
    /// with (<see cref="ConversationOptions.ChatTemplateKwargs"/>) are given where a request names none.
    /// </summary>
    /// <param name="transformer">The caller owns it, and disposes it after the client's last use.</param>
    /// <param name="modelId">What responses and metadata call the model; null = nothing.</param>
    /// <inheritdoc cref="AsChatClient(LanguageModel, string?)" path="/exception"/>
    public static IChatClient AsChatClient(this TextGenerationTransformer transformer, string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        transformer.Model.Tokenizer.RequireChatTemplate();
        return new LanguageModelChatClient(transformer.Model, modelId, transformer.Conversations);
    }
}
