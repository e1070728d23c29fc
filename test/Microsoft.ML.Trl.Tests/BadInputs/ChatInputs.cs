using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Chat clients: options that a model cannot follow, conversations that it cannot read, judges that give no number.</summary>
internal static class ChatInputs
{
    private const string Client = "ChatClientExtensions.AsChatClient", Judge = "RewardFunction.FromChatClient";

    private static readonly Lazy<LanguageModel> Model = new(() => ChatModel.Make());

    public static IEnumerable<BadInput> All() => [.. Clients(), .. Options(), .. Judges()];

    private static IEnumerable<BadInput> Clients() =>
    [
        Null(Client, "model", () => ((LanguageModel)null!).AsChatClient()),
        Null(Client, "transformer", () => ((TextGenerationTransformer)null!).AsChatClient()),
        Of<InvalidOperationException>(Client, () => Language.AsChatClient(), ["no chat template", "trained on conversations"]),
    ];

    private static IEnumerable<BadInput> Options()
    {
        (ChatOptions Options, string Word)[] refused =
        [
            (new() { FrequencyPenalty = 1 }, "FrequencyPenalty"), (new() { PresencePenalty = -1 }, "PresencePenalty"),
            (new() { ConversationId = "1" }, "ConversationId"), (new() { ModelId = "gpt" }, "ModelId"),
            (new() { ToolMode = ChatToolMode.RequireAny }, "ToolMode"),
            (new() { AllowMultipleToolCalls = false }, "AllowMultipleToolCalls"),
            (new() { Reasoning = new() }, "Reasoning"), (new() { RawRepresentationFactory = _ => null }, "RawRepresentationFactory"),
            (new() { ResponseFormat = ChatResponseFormat.Json }, "ResponseFormat asks for JSON of any kind"),
            (new() { Tools = [new HostedWebSearchTool()] }, "HostedWebSearchTool"),
        ];
        (ChatOptions Options, string Word)[] wrong =
        [
            (new() { MaxOutputTokens = 0 }, "MaxNewTokens (0)"), (new() { Temperature = -1 }, "Temperature (-1)"),
            (new() { TopP = 2 }, "TopP (2)"), (new() { TopK = -1 }, "TopK (-1)"), (new() { StopSequences = [""] }, "StopStrings"),
        ];
        return
        [
            .. refused.Select(one => Of<NotSupportedException>(Client, () => Ask(one.Options), [one.Word], "option " + one.Word)),
            .. wrong.Select(one => Of<ArgumentException>(Client, () => Ask(one.Options), [one.Word], "option " + one.Word)),
            Null(Client, "messages", () => Model.Value.AsChatClient().GetStreamingResponseAsync((IEnumerable<ChatMessage>)null!)),
            Of<ArgumentException>(
                Client,
                () => Model.Value.AsChatClient().GetStreamingResponseAsync(string.Concat(Enumerable.Repeat(" film", 600))),
                ["conversation cannot be answered", "512"]),
        ];
    }

    private static IEnumerable<BadInput> Judges()
    {
        IChatClient client = Model.Value.AsChatClient();
        RewardFunction silent = RewardFunction.FromChatClient(
            client, row => row.Completion, options: new() { Temperature = 0, MaxOutputTokens = 1 });
        return
        [
            Null(Judge, "judge", () => RewardFunction.FromChatClient(null!, row => row.Completion)),
            Null(Judge, "question", () => RewardFunction.FromChatClient(client, null!)),
            Of<ArgumentOutOfRangeException>(
                Judge, () => RewardFunction.FromChatClient(client, row => row.Completion, atOnce: 0), ["atOnce (0)"]),
            Of<RewardFunctionException>(
                "PpoTrainer.Fit",
                () => Ml.Trl().Ppo(Tiny.Source(), silent, new() { Steps = 2, BatchSize = 2, MiniBatchSize = 2, Generation = Tiny.Greedy })
                    .Fit(Ml.Data.LoadFromEnumerable(Tiny.Pairs)),
                ["holds no number", "how its answers are read"]),
        ];
    }

    private static void Ask(ChatOptions options) => Model.Value.AsChatClient().GetStreamingResponseAsync("the film", options);
}
