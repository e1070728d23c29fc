using Microsoft.Extensions.AI;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Algorithms.Conversations;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Columns of conversations: rows that are none, models that cannot read them, columns that are not there.</summary>
internal static class ConversationInputs
{
    private static readonly ConversationOptions Set = new();
    private static readonly RewardFunction One = RewardFunction.Of((_, _) => 1);
    private static readonly PpoOptions Ppo = new()
    {
        Steps = 4, BatchSize = 4, MiniBatchSize = 4, Generation = Tiny.Greedy, Conversations = Set,
    };

    private static readonly (string Content, string[] Words)[] NoMessages =
    [
        ("the film", ["not JSON that can be read", "\"role\" and \"content\""]), ("{}", ["JSON Object", "an array of objects"]),
        ("[1]", ["Message 0 has no \"role\""]), ("[{\"role\": \"user\"}, {\"content\": \"a\"}]", ["Message 1 has no \"role\""]),
        ("[{\"role\": 3}]", ["Message 0 has no \"role\""]), ("[{\"role\": \"system\", \"content\": \"a\"}]", ["no system"]),
    ];

    private static TrlCatalog Trl => Ml.Trl();

    private static Talk.Row Good => Talk.Rows[0];

    public static IEnumerable<BadInput> All() => [.. Texts(), .. Options(), .. Models(), .. Prompts(), .. Others(), .. Columns()];

    private static IEnumerable<BadInput> Texts() =>
    [
        Null("Conversation.ToJson", "messages", () => Conversation.ToJson((IEnumerable<ChatMessage>)null!)),
        Null("Conversation.ToJson", "tools", () => Conversation.ToJson((IEnumerable<AITool>)null!)),
        Of<NotSupportedException>(
            "Conversation.ToJson", () => Conversation.ToJson([new ChatMessage(ChatRole.User, [new UriContent("http://x/y", "a/b")])]),
            ["message of the user holds UriContent", "in words"]),
        Of<NotSupportedException>(
            "Conversation.ToJson", () => Conversation.ToJson([new HostedWebSearchTool()]), ["HostedWebSearchTool", "functions only"]),
    ];

    private static IEnumerable<BadInput> Options()
    {
        ConversationOptions[] nameless =
        [
            Set with { ToolsColumnName = "" }, Set with { ChatTemplateKwargsColumnName = null! }, Set with { ChatTemplateKwargs = "[1]" },
            Set with { ChatTemplateKwargs = "{" },
        ];
        string[] names =
        [
            "ToolsColumnName is empty", "ChatTemplateKwargsColumnName is empty", "ChatTemplateKwargs ([1]) must be a JSON object",
            "ChatTemplateKwargs ({) must be a JSON object",
        ];
        return nameless.Zip(names).SelectMany(pair => new[]
        {
            Nameless("Sft", () => Trl.Sft(new SftOptions { Conversations = pair.First }), pair.Second),
            Nameless("Dpo", () => Trl.Dpo(new DpoOptions { Conversations = pair.First }), pair.Second),
            Nameless("RewardModel", () => Trl.RewardModel(new RewardOptions { Conversations = pair.First }), pair.Second),
            Nameless("Ppo", () => Trl.Ppo(Ppo with { Conversations = pair.First }), pair.Second),
            Nameless("TextGeneration", () => Trl.TextGeneration(Talk.Source(), conversations: pair.First), pair.Second),
            Nameless("RewardScoring", () => Trl.RewardScoring(Talk.Source(), conversations: pair.First), pair.Second),
            Nameless(
                "EvaluateGeneration", () => Trl.EvaluateGeneration(Talk.Source(), View(Good), conversations: pair.First), pair.Second),
        });

        static BadInput Nameless(string method, Action act, string words) =>
            Of<ArgumentException>("TrlCatalog." + method, act, [words], words);
    }

    private static IEnumerable<BadInput> Models()
    {
        string[] words = ["The tokenizer has no chat template", "chat_template.jinja"];
        ModelSource source = Tiny.Source(), reward = ModelSource.FromModel(Reward);
        return
        [
            Of<InvalidOperationException>("SftTrainer.Fit", () => Trl.Sft(source, Sft).Fit(View(Good)), words),
            Of<InvalidOperationException>("DpoTrainer.Fit", () => Trl.Dpo(source, Dpo).Fit(View(Good)), words),
            Of<InvalidOperationException>("RewardTrainer.Fit", () => Trl.RewardModel(source, Pairs).Fit(View(Good)), words),
            Of<InvalidOperationException>("PpoTrainer.Fit", () => Trl.Ppo(source, One, Ppo).Fit(View(Good)), words),
            Of<InvalidOperationException>(
                "TextGenerationEstimator.Fit", () => Trl.TextGeneration(source, conversations: Set).Fit(View(Good)), words),
            Of<InvalidOperationException>(
                "RewardScoringEstimator.Fit", () => Trl.RewardScoring(reward, conversations: Set).Fit(View(Good)), words),
            Of<InvalidOperationException>(
                "TrlCatalog.EvaluateGeneration", () => Trl.EvaluateGeneration(source, View(Good), conversations: Set), words),
        ];
    }

    private static IEnumerable<BadInput> Prompts() => NoMessages.SelectMany(bad => new[]
    {
        Row("SftTrainer.Fit", view => Trl.Sft(Talk.Source(), Sft).Fit(view), bad, "'Prompt', 'Completion'"),
        Row("DpoTrainer.Fit", view => Trl.Dpo(Talk.Source(), Dpo).Fit(view), bad, "'Prompt', 'Chosen', 'Rejected'"),
        Row("RewardTrainer.Fit", view => Trl.RewardModel(Talk.Source(), Pairs).Fit(view), bad, "'Prompt', 'Chosen', 'Rejected'"),
        Row("PpoTrainer.Fit", view => Trl.Ppo(Talk.Source(), One, Ppo).Fit(view), bad, "'Prompt'"),
        Row(
            "TextGenerationTransformer.Transform", view => Trl.TextGeneration(Talk.Source(), Tiny.Greedy, conversations: Set).Fit(view)
                .Transform(view).GetColumn<string>("Completion").ToArray(),
            bad, "'Prompt'"),
        Row(
            "RewardTransformer.Transform", view => Scorer().Transform(view).GetColumn<float>("Score").ToArray(), bad,
            "'Prompt', 'Completion'"),
        Row(
            "TrlCatalog.EvaluateGeneration",
            view => Trl.EvaluateGeneration(Talk.Source(), view, generation: Tiny.Greedy, conversations: Set), bad, "'Prompt'"),
        Row("TrlCatalog.EvaluateLanguageModel", view => Trl.EvaluateLanguageModel(Talk.Source(), view, Sft), bad, "'Prompt', 'Completion'"),
    });

    private static IEnumerable<BadInput> Others() =>
    [
        Of<InvalidDataException>(
            "SftTrainer.Fit", () => Trl.Sft(Talk.Source(), Sft).Fit(View(Good, new() { Prompt = Good.Prompt, Completion = "good" })),
            ["Row 1", "'Prompt', 'Completion'", "not JSON that can be read"]),
        Of<InvalidDataException>(
            "DpoTrainer.Fit", () => Trl.Dpo(Talk.Source(), Dpo with { PromptColumnName = "None" }).Fit(View(Good)),
            ["Row 0", "do not begin with the same messages", "in a column of its own"]),
        .. new[] { ("[", "cannot be read"), ("{}", "JSON array of functions' schemas") }.Select(tools => Of<InvalidDataException>(
            "PpoTrainer.Fit", () => Trl.Ppo(Talk.Source(), One, Ppo).Fit(View(new Talk.Row { Prompt = Good.Prompt, Tools = tools.Item1 })),
            ["Row 0", "The tools cannot be read", tools.Item2], "tools " + tools.Item1)),
        .. new[] { "3", "[]", "{\"a\": 1, \"a\": 2}" }.Select(kwargs => Of<InvalidDataException>(
            "PpoTrainer.Fit",
            () => Trl.Ppo(Talk.Source(), One, Ppo).Fit(View(new Talk.Row { Prompt = Good.Prompt, ChatTemplateKwargs = kwargs })),
            ["Row 0", "The template's arguments cannot be read", "JSON object"], "kwargs " + kwargs)),
        Of<ArgumentException>(
            "SftTrainer.Fit", () => Trl.Sft(Talk.Source(), Sft).Fit(Ml.Data.LoadFromEnumerable(new[] { new { Text = "a" } })),
            ["Conversations is set", "plain texts of the column 'Text'", "MessagesColumnName"]),
        Of<ArgumentException>(
            "SftTrainer.Fit", () => Trl.Sft(Talk.Source(), new SftOptions { AssistantOnlyLoss = true }).Fit(View(Good)),
            ["AssistantOnlyLoss is true", "plain texts unless Conversations is set"]),
    ];

    private static IEnumerable<BadInput> Columns()
    {
        IDataView numbers = Ml.Data.LoadFromEnumerable(
            new[] { new { Good.Prompt, Good.Completion, Good.Chosen, Good.Rejected, Tools = 1f, ChatTemplateKwargs = "" } });
        string[] words = ["tools column 'Tools'", "expected Text, got Single", "Set ToolsColumnName"];
        return
        [
            Of<ArgumentOutOfRangeException>("SftTrainer.Fit", () => Trl.Sft(Talk.Source(), Sft).Fit(numbers), words),
            Of<ArgumentOutOfRangeException>("DpoTrainer.Fit", () => Trl.Dpo(Talk.Source(), Dpo).Fit(numbers), words),
            Of<ArgumentOutOfRangeException>("RewardTrainer.Fit", () => Trl.RewardModel(Talk.Source(), Pairs).Fit(numbers), words),
            Of<ArgumentOutOfRangeException>("PpoTrainer.Fit", () => Trl.Ppo(Talk.Source(), One, Ppo).Fit(numbers), words),
            Of<ArgumentOutOfRangeException>(
                "TextGenerationEstimator.Fit", () => Trl.TextGeneration(Talk.Source(), conversations: Set).Fit(numbers), words),
        ];
    }

    private static SftOptions Sft => new() { Conversations = Set };

    private static DpoOptions Dpo => new() { Conversations = Set };

    private static RewardOptions Pairs => new() { Conversations = Set };

    private static RewardTransformer Scorer() => Trl.RewardScoring(
        ModelSource.FromModel(new TextRewardModel(RewardModel.Create(Talk.Config, 1), Talk.Tokenizer)), conversations: Set).Fit(View(Good));

    private static IDataView View(params Talk.Row[] rows) => Ml.Data.LoadFromEnumerable(rows);

    private static BadInput Row(string member, Action<IDataView> use, (string Content, string[] Words) bad, string columns) =>
        Of<InvalidDataException>(
            member,
            () => use(View(
                Good, new() { Prompt = bad.Content, Completion = Good.Completion, Chosen = Good.Chosen, Rejected = Good.Rejected })),
            ["Row 1", columns, "cannot be rendered", .. bad.Words], "prompt " + bad.Content);
}
