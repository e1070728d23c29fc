using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>A chat client that answers by a function of the question, and keeps the questions.</summary>
internal sealed class AnsweringClient(Func<string, string> answer) : IChatClient
{
    public ConcurrentBag<string> Questions { get; } = [];

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        string question = messages.Last().Text;
        Questions.Add(question);
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, answer(question))));
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("Judges do not stream.");

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() { }
}
