using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Trl;

namespace ToolUseSample;

/// <summary>How the model is used.</summary>
public static partial class ToolUse
{
    /// <summary>Rounds of calls that a question may take, in training and afterwards.</summary>
    internal const int MostRounds = 2;

    /// <summary>Loads the one file that training wrote. The caller owns the model.</summary>
    public static TextGenerationTransformer Load(string path) =>
        (TextGenerationTransformer)new MLContext().Model.Load(path, out _);

    /// <summary>
    /// Asks a question, makes the calls that the model writes, and asks again with what they gave, until it answers in words. A program
    /// that references the package Microsoft.Extensions.AI has this for <c>client.AsBuilder().UseFunctionInvocation().Build()</c>.
    /// </summary>
    internal static async Task<Exchange> Ask(IChatClient client, string question)
    {
        var options = new ChatOptions { Tools = [Calculator.Tool] };
        List<ChatMessage> messages = [new(ChatRole.User, question)];
        long tokens = 0;
        for (int round = 0; ; round++)
        {
            ChatResponse response = await client.GetResponseAsync(messages, options);
            tokens += response.Usage?.OutputTokenCount ?? 0;
            messages.AddRange(response.Messages);
            FunctionCallContent[] calls = [.. response.Messages.SelectMany(turn => turn.Contents.OfType<FunctionCallContent>())];
            if (calls.Length == 0 || round == MostRounds)
                return new Exchange(messages[1..]) { Tokens = tokens };
            foreach (FunctionCallContent call in calls)
                messages.Add(new ChatMessage(ChatRole.Tool, [await Calculator.Answer(call)]));
        }
    }
}
