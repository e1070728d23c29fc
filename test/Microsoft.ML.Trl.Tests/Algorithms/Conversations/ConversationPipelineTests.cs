using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Pipeline;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Algorithms.Conversations.Talk;

namespace Microsoft.ML.Trl.Tests.Algorithms.Conversations;

/// <summary>Conversations through whole pipelines: training, answering, scoring, evaluation, the zip.</summary>
[TestClass]
public sealed class ConversationPipelineTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Every_method_learns_from_conversations_and_the_zip_answers_them()
    {
        var ppo = new PpoOptions
        {
            Conversations = AsConversations, Steps = 4, BatchSize = 4, MiniBatchSize = 2, Generation = Tiny.Greedy,
        };
        TransformerChain<TextGenerationTransformer> chain = _ml.Trl()
            .Sft(Source(), new SftOptions { Conversations = AsConversations, MaxSteps = 1, Generation = Tiny.Greedy })
            .Append(_ml.Trl().RewardModel(new RewardOptions { Conversations = AsConversations, MaxSteps = 1 }))
            .Append(_ml.Trl().Ppo(ppo))
            .Append(_ml.Trl().Dpo(new DpoOptions { Conversations = AsConversations, MaxSteps = 1 }))
            .Fit(View(Rows));
        using var file = new MemoryStream();
        _ml.Model.Save(chain, View(Rows).Schema, file);
        ITransformer loaded = SavedChain.Load(file.ToArray());

        Scored[] trained = Read<Scored>(chain.Transform(View(Rows))), again = Read<Scored>(loaded.Transform(View(Rows)));
        CollectionAssert.AreEqual(trained, again);
        Assert.IsTrue(trained.All(row => float.IsFinite(row.Score)));

        using var engine = _ml.Model.CreatePredictionEngine<Row, Scored>(loaded, new PredictionEngineOptions { OwnsTransformer = false });
        Assert.AreEqual(trained[0].Completion, engine.Predict(Rows[0]).Completion);
        (chain.LastTransformer as IDisposable).Dispose();
    }

    [TestMethod]
    public void Labelled_conversations_are_read_as_pairs_of_them_are()
    {
        var options = new KtoOptions { Conversations = AsConversations, MaxSteps = 1, LoggingSteps = 1, Generation = Tiny.Greedy };
        IDataView labelled = View(Rows.SelectMany(row => new[] { (row.Chosen, true), (row.Rejected, false) }
            .Select(side => new LabelledRow { Prompt = row.Prompt, Completion = side.Item1, Label = side.Item2 })).ToArray());
        using TextGenerationTransformer ofPairs = _ml.Trl().Kto(Source(), options).Fit(View(Rows));
        using TextGenerationTransformer ofLabels = _ml.Trl().Kto(Source(), options).Fit(labelled);
        using TextGenerationTransformer orpo = _ml.Trl()
            .Orpo(Source(), new OrpoOptions { Conversations = AsConversations, MaxSteps = 1, LoggingSteps = 1 }).Fit(View(Rows));
        Assert.AreEqual(ofPairs.Reports[0].Tokens, ofLabels.Reports[0].Tokens);
        foreach (string name in new[] { "logps/chosen", "logps/rejected", "logits/chosen", "entropy", "loss" })
            Close.Absolute(ofPairs.Reports[0][name], ofLabels.Reports[0][name], 1e-4, name);
        Assert.AreEqual(ofPairs.Reports[0].Tokens, orpo.Reports[0].Tokens);
        string[] answers = [.. ofLabels.Transform(labelled).GetColumn<string>("Completion")];
        CollectionAssert.AreEqual(new[] { answers[0], answers[0] }, answers[..2], "one prompt, one answer");
    }

    [TestMethod]
    public async Task A_row_is_answered_as_a_chat_client_answers_its_messages()
    {
        var generation = new GenerationOptions { MaxNewTokens = 5, Seed = 3 };
        using TextGenerationTransformer transformer = _ml.Trl().TextGeneration(Source(), generation, conversations: new()).Fit(View(Rows));
        using LanguageModel model = Source().OpenPolicy(new Placement(TorchSharp.torch.CPU, TorchSharp.torch.ScalarType.Float32));
        using LanguageModel same = new(model.Network.Copy(), model.Tokenizer, generation);
        IDataView asked = View([new Row { Prompt = Json("the film", "was", "a") }]);
        string answer = transformer.Transform(asked).GetColumn<string>("Completion").Single();

        ChatResponse response = await same.AsChatClient().GetResponseAsync(
            [new(ChatRole.User, "the film"), new(ChatRole.Assistant, "was"), new(ChatRole.User, "a")]);
        Assert.AreEqual(response.Text, answer);
        Assert.AreEqual(same.Complete("(the film)[was](a)["), answer);
    }

    [TestMethod]
    public async Task Variables_of_the_template_go_with_the_fitted_stage_its_zip_and_its_chat_client()
    {
        var warm = new ConversationOptions { ChatTemplateKwargs = """{"mood": "warm "}""" };
        Row[] asked = [new() { Prompt = Json("the film") }];
        Row[] moody = [new() { Prompt = Json("the film"), ChatTemplateKwargs = """{"mood": "a "}""" }];
        var prompts = new List<string>();
        var options = new SftOptions
        {
            Conversations = warm, MaxSteps = 1, Generation = Tiny.Greedy, Callbacks = [new Asking(Json("the film"), prompts)],
        };
        using TextGenerationTransformer fitted = _ml.Trl().Sft(Source(), options).Fit(View(Rows));
        string Answer(ITransformer by, Row[] rows) => by.Transform(View(rows)).GetColumn<string>("Completion").Single();
        Assert.AreEqual(fitted.Model.Complete("warm (the film)[", Tiny.Greedy), Answer(fitted, asked));
        Assert.AreEqual(Answer(fitted, asked), prompts.Single());
        Assert.AreEqual(fitted.Model.Complete("a (the film)[", Tiny.Greedy), Answer(fitted, moody));
        using var file = new MemoryStream();
        _ml.Model.Save(fitted, View(Rows).Schema, file);
        using var loaded = (IDisposable)SavedChain.Load(file.ToArray());
        Assert.AreEqual(Answer(fitted, asked), Answer((ITransformer)loaded, asked));
        ChatResponse response = await fitted.AsChatClient().GetResponseAsync([new(ChatRole.User, "the film")]);
        Assert.AreEqual(Answer(fitted, asked), response.Text);
        Assert.AreEqual(Ids("warm (the film)[").Length, response.Usage!.InputTokenCount);
        var other = new ChatOptions { AdditionalProperties = new() { ["mood"] = "a " } };
        response = await fitted.AsChatClient().GetResponseAsync([new(ChatRole.User, "the film")], other);
        Assert.AreEqual(Answer(fitted, moody), response.Text);
    }

    private sealed class Asking(string prompt, List<string> answers) : ITrainingCallback
    {
        public void OnTrainEnd(TrainingState state, TrainingControl control) => answers.Add(state.Policy!.Complete(prompt));
    }

    [TestMethod]
    public void Scores_are_those_of_the_rendered_conversation()
    {
        var options = new RewardOptions { Conversations = AsConversations, MaxSteps = 1 };
        using RewardTransformer reward = _ml.Trl().RewardModel(Source(2), options).Fit(View(Rows));
        float expected = reward.Model.Score([Ids("(the film)[was good]")])[0];

        IDataView answers = View([new { Prompt = Json("the film"), Completion = "was good" }]);
        Close.Absolute(expected, reward.Transform(answers).GetColumn<float>("Score").Single(), 0, "answer");

        using RewardTransformer whole = _ml.Trl().RewardScoring(
            ModelSource.FromTransformer(reward), promptColumnName: null, conversations: new()).Fit(answers);
        IDataView talks = View([new { Completion = Json("the film", "was good") }]);
        Close.Absolute(expected, whole.Transform(talks).GetColumn<float>("Score").Single(), 0, "whole conversation");

        using TextGenerationTransformer policy = _ml.Trl().TextGeneration(Source(), Tiny.Greedy, conversations: new()).Fit(View(Rows));
        Scored made = Read<Scored>(policy.Transform(reward.Transform(View(Rows))))[0];
        Close.Absolute(
            reward.Model.Score([Ids($"(the film)[{made.Completion}]")])[0], made.Score, 0, "the answer of a policy, by a reward upstream");
    }

    [TestMethod]
    public void A_reward_function_gets_the_conversation_and_the_policy_its_rendering()
    {
        List<RewardRow> asked = [];
        var reward = RewardFunction.Of(row =>
        {
            asked.Add(row);
            return row.Completion.Length;
        });
        var options = new PpoOptions { Conversations = new(), Steps = 4, BatchSize = 4, MiniBatchSize = 4, Generation = Tiny.Greedy };
        using TextGenerationTransformer ppo = _ml.Trl().Ppo(Source(), reward, options).Fit(View(Rows));

        Assert.HasCount(4, asked);
        foreach (RewardRow row in asked)
        {
            string user = JsonDocument.Parse(row.Prompt).RootElement[0].GetProperty("content").GetString()!;
            CollectionAssert.AreEqual(Ids($"({user})["), row.PromptIds.ToArray());
        }
        SampleCompletion sample = ppo.Reports[0].Completions.Single();
        Assert.StartsWith("(", sample.Prompt);
    }

    [TestMethod]
    public void A_transformer_as_reward_gets_the_rendered_text_and_the_tools()
    {
        using RewardTransformer judge = _ml.Trl().RewardScoring(ModelSource.FromModel(new TextRewardModel(
            RewardModel.Create(Config, 4), Tokenizer)), conversations: new()).Fit(View(Rows));
        Row[] rows = [.. Rows.Select(row => new Row { Prompt = row.Prompt, Tools = """[{"function": {"name": "film"}}]""" })];
        GenerationMetrics byTransformer = Evaluate(RewardFunction.FromTransformer(judge));
        GenerationMetrics byModel = Evaluate(RewardFunction.FromModel(judge.Model));

        Close.Absolute(byModel.MeanScore, byTransformer.MeanScore, 1e-6, "mean score");
        Assert.AreEqual(4, byModel.Rows);
        Assert.AreNotEqual(Evaluate(RewardFunction.FromModel(judge.Model), Rows).MeanScore, byModel.MeanScore, "tools are seen");

        GenerationMetrics Evaluate(RewardFunction function, Row[]? others = null) => _ml.Trl().EvaluateGeneration(
            Source(), View(others ?? rows), function, generation: Tiny.Greedy, conversations: new());
    }

    [TestMethod]
    public void Evaluations_read_conversations_too()
    {
        var sft = new SftOptions { Conversations = AsConversations };
        Assert.AreEqual(
            Rows.Sum(row => Ids(Text(row, row.Completion)).Length - Ids(Text(row, null)).Length),
            _ml.Trl().EvaluateLanguageModel(Source(), View(Rows), sft).Tokens);
        Assert.AreEqual(4, _ml.Trl().EvaluatePreferences(
            Source(), View(Rows), options: new DpoOptions { Conversations = AsConversations }).Pairs);

        static string Text(Row row, string? says) =>
            says is null ? $"({Content(row.Prompt)})[" : $"({Content(row.Prompt)})[{Content(says)}]";

        static string Content(string json) => JsonDocument.Parse(json).RootElement[0].GetProperty("content").GetString()!;
    }

    [TestMethod]
    public void A_class_with_messages_is_a_row_by_a_property_that_writes_them()
    {
        IDataView view = View([new TypedRow { Turns = [new ChatMessage(ChatRole.User, "the film")] }]);

        Assert.AreEqual("""[{"role": "user", "content": "the film"}]""", view.GetColumn<string>("Prompt").Single());
        Assert.IsNull(view.Schema.GetColumnOrNull("Turns"));
    }

    private IDataView View<T>(T[] rows) where T : class => _ml.Data.LoadFromEnumerable(rows);

    private T[] Read<T>(IDataView view) where T : class, new() => [.. _ml.Data.CreateEnumerable<T>(view, reuseRowObject: false)];

    private sealed class LabelledRow
    {
        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";

        public bool Label { get; set; }
    }

    private sealed record Scored
    {
        public string Completion { get; set; } = "";

        public float Score { get; set; }
    }

    private sealed class TypedRow
    {
        [NoColumn]
        public List<ChatMessage> Turns { get; set; } = [];

        public string Prompt => Conversation.ToJson(Turns);
    }
}
