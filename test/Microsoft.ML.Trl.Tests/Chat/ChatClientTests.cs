using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Chat;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;

namespace Microsoft.ML.Trl.Tests.Chat;

/// <summary>A language model as a chat client, and chat clients as judges.</summary>
[TestClass]
public sealed class ChatClientTests
{
    private static readonly ChatMessage[] Hello = [new(ChatRole.User, "the film")];

    private static readonly ChatOptions Greedy = new() { Temperature = 0, MaxOutputTokens = 6 };

    [TestMethod]
    public async Task It_answers_what_the_model_says_to_the_rendered_conversation()
    {
        using LanguageModel model = ChatModel.Make();
        using IChatClient client = model.AsChatClient("tiny");

        ChatResponse response = await client.GetResponseAsync(Hello, Greedy);

        int[] prompt = model.Tokenizer.Encode("[user] the film[assistant]");
        Assert.AreEqual(model.Complete("[user] the film[assistant]", Tiny.Greedy), response.Text);
        Assert.AreEqual(ChatRole.Assistant, response.Messages.Single().Role);
        Assert.AreEqual("tiny", response.ModelId);
        Assert.AreEqual(prompt.Length, response.Usage!.InputTokenCount);
        Assert.AreEqual(6, response.Usage.OutputTokenCount);
        Assert.AreEqual(prompt.Length + 6, response.Usage.TotalTokenCount);
        Assert.AreEqual(ChatFinishReason.Length, response.FinishReason);
    }

    [TestMethod]
    public async Task A_stream_is_the_same_answer_in_pieces()
    {
        using LanguageModel model = ChatModel.Make();
        using IChatClient client = model.AsChatClient();
        string whole = (await client.GetResponseAsync(Hello, Greedy)).Text;
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(Hello, Greedy))
            updates.Add(update);

        Assert.AreEqual(whole, string.Concat(updates.Select(update => update.Text)));
        Assert.IsGreaterThan(2, updates.Count);
        Assert.IsTrue(updates.All(update => update.ResponseId == updates[0].ResponseId));
        Assert.AreEqual(ChatFinishReason.Length, updates[^1].FinishReason);
    }

    [TestMethod]
    public async Task Stop_sequences_and_end_tokens_end_an_answer_and_are_no_part_of_it()
    {
        using LanguageModel model = ChatModel.Make();
        using IChatClient client = model.AsChatClient();
        string whole = (await client.GetResponseAsync(Hello, Greedy)).Text;
        string stop = whole[3..5];
        ChatResponse stopped = await client.GetResponseAsync(
            Hello, new() { Temperature = 0, MaxOutputTokens = 6, StopSequences = ["nothing like it", stop] });

        Assert.AreEqual(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], stopped.Text);
        Assert.AreEqual(ChatFinishReason.Stop, stopped.FinishReason);

        int second = model.Tokenizer.Encode("[user] the film[assistant]").Length;
        int[] tokens = model.Answer(
            [model.Tokenizer.Encode("[user] the film[assistant]")], [0], Tiny.Greedy, CancellationToken.None)[0].Tokens;
        using LanguageModel ending = model.Copy();
        using LanguageModel ended = ending.With(ending.Generation with { EosTokenIds = [tokens[2]] });
        ChatResponse response = await ended.AsChatClient().GetResponseAsync(Hello, Greedy);
        Assert.AreEqual(ChatFinishReason.Stop, response.FinishReason);
        Assert.IsLessThanOrEqualTo(3, response.Usage!.OutputTokenCount!.Value);
        Assert.IsGreaterThan(0, second);
    }

    [TestMethod]
    [DataRow("ab", new[] { "xaby" }, "x")]
    [DataRow("ab", new[] { "xa", "by" }, "x")]
    [DataRow("ab", new[] { "xa", "ay", "a" }, "xaaya")]
    [DataRow("aab", new[] { "a", "a", "a", "b" }, "a")]
    public void What_may_begin_a_stop_sequence_is_held_back(string stop, string[] pieces, string said)
    {
        var filter = new StopSequenceFilter([stop, "~"]);
        Assert.AreEqual(said, string.Concat(pieces.Select(filter.Append)) + filter.End());
    }

    [TestMethod]
    public void Instructions_and_functions_reach_the_template()
    {
        using LanguageModel model = ChatModel.Make(
            "{{ tools|tojson }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{{ mood }}");
        ChatOptions options = new()
        {
            Instructions = "be good", MaxOutputTokens = 1, AdditionalProperties = new() { ["mood"] = "warm" },
            Tools = [AIFunctionFactory.Create(Weather, "Weather")],
        };

        string text = Rendered(model, options);

        StringAssert.StartsWith(text, """[{"type": "function", "function": {"name": "Weather", "description": "Tells the weather.", """);
        StringAssert.Contains(text, "\"city\"");
        StringAssert.EndsWith(text, "[system]be good[user]the filmwarm");
        options.ToolMode = ChatToolMode.None;
        StringAssert.StartsWith(Rendered(model, options), "null[system]");

        [System.ComponentModel.Description("Tells the weather.")]
        static string Weather(string city) => city;

        static string Rendered(LanguageModel model, ChatOptions options) =>
            model.Tokenizer.Decode(ChatRequest.Read(model, Hello, options).Prompt, skipSpecialTokens: false);
    }

    [TestMethod]
    public async Task A_response_format_holds_the_answer_to_its_schema()
    {
        using LanguageModel model = ChatModel.Make();
        using JsonDocument schema = JsonDocument.Parse(
            """{"type": "object", "properties": {"good": {"type": "boolean"}}, "required": ["good"]}""");
        ChatOptions options = new()
        {
            ResponseFormat = ChatResponseFormat.ForJsonSchema(schema.RootElement), MaxOutputTokens = 40, Temperature = 1, Seed = 7,
        };

        ChatResponse response = await model.AsChatClient().GetResponseAsync(Hello, options);

        using JsonDocument answer = JsonDocument.Parse(response.Text);
        Assert.IsTrue(answer.RootElement.GetProperty("good").ValueKind is JsonValueKind.True or JsonValueKind.False);
    }

    [TestMethod]
    public async Task Draws_follow_the_seed_and_the_conversation()
    {
        using LanguageModel model = ChatModel.Make();
        using IChatClient client = model.AsChatClient();
        ChatOptions hot = new() { Temperature = 2, MaxOutputTokens = 8, Seed = 1 };
        string first = (await client.GetResponseAsync(Hello, hot)).Text;

        Assert.AreEqual(first, (await client.GetResponseAsync(Hello, hot)).Text);
        hot.Seed = 2;
        Assert.AreNotEqual(first, (await client.GetResponseAsync(Hello, hot)).Text);
    }

    [TestMethod]
    public async Task It_is_cancelled_and_leaves_nothing_behind()
    {
        using LanguageModel model = ChatModel.Make();
        using IChatClient client = model.AsChatClient();
        await client.GetResponseAsync(Hello, Greedy);
        long before = torch.Tensor.TotalCount;
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync(Hello, new() { MaxOutputTokens = 25 }, stop.Token))
                await stop.CancelAsync();
        });
        await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync(Hello, Greedy))
            break;
        Assert.AreEqual(before, torch.Tensor.TotalCount);
    }

    [TestMethod]
    public void It_tells_who_it_is()
    {
        using LanguageModel model = ChatModel.Make();
        using IChatClient client = model.AsChatClient("tiny");
        Assert.AreSame(client, client.GetService<IChatClient>());
        Assert.AreSame(model, client.GetService<LanguageModel>());
        Assert.AreEqual("tiny", client.GetService<ChatClientMetadata>()!.DefaultModelId);
        Assert.IsNull(client.GetService<LanguageModel>("other"));
        Assert.IsNull(client.GetService<string>());
    }

    [TestMethod]
    public void A_chat_client_judges_what_PPO_writes()
    {
        using LanguageModel judge = ChatModel.Make();
        var ml = new MLContext(1);
        var asked = new List<string>();
        RewardFunction reward = RewardFunction.FromChatClient(
            judge.AsChatClient(), row => $"{row.Prompt}{row.Completion}",
            answer =>
            {
                lock (asked)
                    asked.Add(answer);
                return answer.Length;
            },
            Greedy);
        var options = new PpoOptions { Steps = 2, BatchSize = 2, MiniBatchSize = 2, Generation = Tiny.Greedy, NumCompletionsToPrint = 2 };
        using TextGenerationTransformer policy = ml.Trl().Ppo(Tiny.Source(), reward, options)
            .Fit(ml.Data.LoadFromEnumerable(Tiny.Pairs));
        SampleCompletion sample = policy.Reports[0].Completions[0];
        Assert.AreEqual(judge.Complete($"[user] {sample.Prompt}{sample.Completion}[assistant]", Tiny.Greedy).Length, sample.Score);
        Assert.HasCount(2, asked);
    }

    [TestMethod]
    [DataRow("8", 8)]
    [DataRow("Score: -2.5 of 10", -2.5)]
    public async Task The_first_number_of_an_answer_is_its_score(string answer, double score)
    {
        using var fixedAnswer = new FixedClient(answer);
        var judge = new ChatJudge(fixedAnswer, row => row.Completion, null, null);
        Assert.AreEqual(score, await judge.Score(FixedClient.Row, CancellationToken.None));
    }

    private sealed class FixedClient(string answer) : IChatClient
    {
        public static readonly RewardRow Row = new("a", "b", [], [], true, 0, 1);

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, answer)));

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
