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
    /// The model as a chat client that makes the calls it writes, and goes on with what they gave, until it answers in words. The caller
    /// owns it.
    /// </summary>
    public static IChatClient Assistant(TextGenerationTransformer model) => model.AsChatClient().AsBuilder()
        .UseFunctionInvocation(configure: client => client.MaximumIterationsPerRequest = MostRounds)
        .Build();

    /// <summary>Asks a question.</summary>
    internal static async Task<Exchange> Ask(IChatClient assistant, string question)
    {
        ChatResponse response = await assistant.GetResponseAsync(question, new ChatOptions { Tools = [Calculator.Tool] });
        return new Exchange([.. response.Messages]) { Tokens = response.Usage?.OutputTokenCount ?? 0 };
    }
}
