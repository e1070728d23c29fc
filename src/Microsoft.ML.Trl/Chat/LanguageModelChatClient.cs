using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Chat;

/// <summary>A language model as a chat client. Does not own the model.</summary>
/// <param name="model">Answers.</param>
/// <param name="modelId">What it is called; null = nothing.</param>
/// <param name="conversations">With the variables of its template; null = none.</param>
internal sealed class LanguageModelChatClient(LanguageModel model, string? modelId, ConversationOptions? conversations = null) : IChatClient
{
    private readonly ChatClientMetadata _metadata = new("Microsoft.ML.Trl", null, modelId);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            updates.Add(update);
        return updates.ToChatResponse();
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Stream(ChatRequest.Read(model, messages, options, conversations), cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(_metadata) ? _metadata
            : serviceType.IsInstanceOfType(model) ? model
            : null;
    }

    public void Dispose() { }

    private async IAsyncEnumerable<ChatResponseUpdate> Stream(ChatRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        string id = Guid.NewGuid().ToString("N");
        var filter = new StopSequenceFilter(request.Options.StopStrings);
        List<string> held = []; // where functions may be called, nothing is said before it is known whether one is
        Answer? answer = null;
        IAsyncEnumerable<string> pieces = TextStream.Read(
            model.Tokenizer,
            (onToken, stop) => answer = model.Answer(
                [request.Prompt], [request.Seed], request.Options, stop, (_, token) => onToken(token))[0],
            cancel);
        await foreach (string piece in pieces.ConfigureAwait(false))
            if (filter.Append(piece) is { Length: > 0 } text)
            {
                if (request.Calls is null)
                    yield return Update(new TextContent(text));
                else
                    held.Add(text);
            }
        held.Add(filter.End());
        ParsedTurn turn = Turn(request, answer!, string.Concat(held));
        if (turn.Text.Length > 0)
            yield return Update(new TextContent(turn.Text));
        for (int call = 0; call < turn.Calls.Count; call++)
            yield return Update(turn.Calls[call].Content(ParsedCall.Id(request.CallsBefore + call)));
        int written = answer!.Tokens.Length;
        ChatResponseUpdate last = Update(new UsageContent(new UsageDetails
        {
            InputTokenCount = request.Prompt.Length,
            OutputTokenCount = written,
            TotalTokenCount = request.Prompt.Length + written,
        }));
        last.FinishReason = turn.Calls.Count > 0 ? ChatFinishReason.ToolCalls
            : answer.HasEnded || filter.IsReached ? ChatFinishReason.Stop : ChatFinishReason.Length;
        yield return last;

        ChatResponseUpdate Update(AIContent content) => new(ChatRole.Assistant, [content])
        {
            ResponseId = id,
            MessageId = id,
            ModelId = modelId,
            CreatedAt = DateTimeOffset.UtcNow,
        };
    }

    /// <summary>What is still to be said: the calls of an answer with the text before them, or the text that was held back.</summary>
    private ParsedTurn Turn(ChatRequest request, Answer answer, string held)
    {
        if (request.Calls is not { } format)
            return new ParsedTurn(held, []);
        int[] tokens = answer.HasEnded ? answer.Tokens[..^1] : answer.Tokens;
        ParsedTurn turn = format.Parse(model.Tokenizer.DecodeCompletion(tokens, skipSpecialTokens: false));
        return turn.Calls.Count > 0 ? turn : new ParsedTurn(held, []);
    }
}
