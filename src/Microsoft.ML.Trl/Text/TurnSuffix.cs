using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Text;

/// <summary>
/// What stands between two turns of the assistant, as tokens: the messages of others, up to where it begins again. The tokens that it wrote
/// itself are never rendered anew, so that they stay those that were drawn; TRL's <c>_get_tool_suffix_ids</c>.
/// </summary>
/// <param name="tokenizer">Has a chat template.</param>
/// <param name="ends">Tokens that end a turn.</param>
internal sealed class TurnSuffix(TextTokenizer tokenizer, IReadOnlyCollection<int> ends)
{
    private const string Answer = "probe_result";

    private static readonly ChatMessage Question = new(ChatRole.User, "A question.");

    /// <summary>The tokens behind a turn.</summary>
    /// <param name="messages">Results of functions, or what the user says.</param>
    /// <param name="with">What the row gives the chat template.</param>
    /// <param name="hasEnded">Whether the turn has its end token; otherwise that comes first, where the template writes one.</param>
    /// <exception cref="InvalidOperationException">The template does not go on with a conversation as it began it.</exception>
    /// <exception cref="ChatTemplateException">It refuses the messages.</exception>
    public int[] Behind(IReadOnlyList<ChatMessage> messages, TemplateCells with, bool hasEnded)
    {
        ChatTemplateOptions options = ConversationRows.Options(with);
        ChatMessage[] begun = [Question, Turn(messages)];
        int[] before = tokenizer.Encode(tokenizer.ApplyChatTemplate(begun, options).Text);
        int[] whole = tokenizer.Encode(
            tokenizer.ApplyChatTemplate([.. begun, .. messages], options with { AddGenerationPrompt = true }).Text);
        int turns = before.Count(ends.Contains);
        if (turns == 0)
            return whole.AsSpan().StartsWith(before) ? whole[before.Length..] : throw Otherwise();
        int[] places = [.. Enumerable.Range(0, whole.Length).Where(at => ends.Contains(whole[at])).Take(turns)];
        return places.Length == turns ? whole[(places[^1] + (hasEnded ? 1 : 0))..] : throw Otherwise();
    }

    /// <summary>Fails where results of functions would not reach the model.</summary>
    /// <exception cref="InvalidOperationException">The template leaves them out, refuses them, or cannot go on behind them.</exception>
    public void CheckResults(TemplateCells with)
    {
        ChatMessage result = Result(ParsedCall.Id(0), "probe_function", Answer);
        try
        {
            string text = tokenizer.ApplyChatTemplate([Question, Turn([result]), result], ConversationRows.Options(with)).Text;
            if (!text.Contains(Answer, StringComparison.Ordinal))
                throw new InvalidOperationException($"The model's chat template leaves results of functions out. {Advice}");
            Behind([result], with, hasEnded: true);
        }
        catch (ChatTemplateException cause)
        {
            throw new InvalidOperationException($"The model's chat template refuses results of functions: {cause.Message} {Advice}", cause);
        }
    }

    /// <summary>The message with what a function gave, and why that is an error; null = it is none.</summary>
    public static ChatMessage Result(string id, string name, object? result, Exception? cause = null) =>
        new(ChatRole.Tool, [new FunctionResultContent(id, result) { Exception = cause }]) { AuthorName = name };

    // the shortest turn that such messages can follow
    private static ChatMessage Turn(IReadOnlyList<ChatMessage> messages)
    {
        AIContent[] calls =
        [
            .. messages.SelectMany(message => message.Contents.OfType<FunctionResultContent>().Select(
                result => new FunctionCallContent(result.CallId, message.AuthorName ?? "", new Dictionary<string, object?>()))),
        ];
        return new ChatMessage(ChatRole.Assistant, calls.Length > 0 ? calls : [new TextContent("An answer.")]);
    }

    private static InvalidOperationException Otherwise() => new(
        "The model's chat template writes the beginning of a conversation in another way when it goes on, so what follows a turn cannot be "
        + $"told from it. {Advice}");

    private const string Advice =
        "Use a model that was trained to call functions, or put a template that writes them into the tokenizer's chat_template.jinja.";
}
