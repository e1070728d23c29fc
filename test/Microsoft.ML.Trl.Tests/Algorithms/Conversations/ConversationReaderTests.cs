using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Algorithms.Conversations.Talk;

namespace Microsoft.ML.Trl.Tests.Algorithms.Conversations;

/// <summary>Rows of conversations as the tokens that training gets: written out by hand.</summary>
[TestClass]
public sealed class ConversationReaderTests
{
    private const string Tools = """[{"type": "function", "function": {"name": "film"}}]""";

    private readonly MLContext _ml = new(1);

    [TestMethod]
    [DataRow(null, false, "was good]")]
    [DataRow(false, false, "the film)[was good]")]
    [DataRow(null, true, "was good]")]
    [DataRow(false, true, "was good]")]
    public void SFT_learns_the_completion_of_a_prompt_in_messages(bool? completionOnly, bool assistantOnly, string learned)
    {
        var options = new SftOptions
        {
            Conversations = AsConversations,
            CompletionOnlyLoss = completionOnly,
            AssistantOnlyLoss = assistantOnly,
        };
        TokenExample example = Sft(new Row { Prompt = Json("the film"), Completion = Says("was good") }, options);

        CollectionAssert.AreEqual(Ids("(the film)[was good]"), example.Ids);
        Assert.AreEqual(Ids("(the film)[").Length, example.PromptLength);
        TokenExample taught = completionOnly == false ? example with { PromptLength = 0 } : example;
        Assert.AreEqual(learned, Tokenizer.Decode([.. taught.Ids.Where((_, at) => at > 0 && taught.Learns(at))]));
    }

    [TestMethod]
    public void With_assistant_only_loss_an_earlier_answer_in_the_prompt_is_learned_where_prompts_are()
    {
        var row = new Row { Prompt = Json("a", "film", "the plot"), Completion = Says("was thin") };
        var options = new SftOptions { Conversations = AsConversations, AssistantOnlyLoss = true };

        Assert.AreEqual("was thin]", Learned(options));
        Assert.AreEqual("film]was thin]", Learned(options with { CompletionOnlyLoss = false }));

        string Learned(SftOptions chosen)
        {
            TokenExample example = Sft(row, chosen);
            return Tokenizer.Decode([.. example.Ids.Where((_, at) => example.Learns(at))]);
        }
    }

    [TestMethod]
    public void DPO_takes_the_prompt_from_its_column_or_from_what_both_begin_with()
    {
        PreferenceExample given = Dpo(new { Prompt = Json("the film"), Chosen = Says("was good"), Rejected = Says("was bad") });
        PreferenceExample shared = Dpo(new { Chosen = Json("the film", "was good"), Rejected = Json("the film", "was bad") });

        foreach (PreferenceExample pair in new[] { given, shared })
        {
            CollectionAssert.AreEqual(Ids("(the film)["), pair.Prompt);
            CollectionAssert.AreEqual(Ids("(the film)[was good]"), pair.PromptAndChosen());
            CollectionAssert.AreEqual(Ids("(the film)[was bad]"), pair.PromptAndRejected());
        }
    }

    [TestMethod]
    public void A_reward_model_reads_whole_conversations()
    {
        var options = new RewardOptions { Conversations = AsConversations };
        PreferenceExample given = Pair(
            new { Prompt = Json("the film"), Chosen = Says("was good"), Rejected = Says("was bad") }, options.Validated().Columns);
        PreferenceExample whole = Pair(
            new { Chosen = Json("the film", "was good"), Rejected = Json("the film", "was bad") }, options.Columns);

        foreach (PreferenceExample pair in new[] { given, whole })
        {
            Assert.IsEmpty(pair.Prompt);
            CollectionAssert.AreEqual(Ids("(the film)[was good]"), pair.Chosen);
            CollectionAssert.AreEqual(Ids("(the film)[was bad]"), pair.Rejected);
        }
    }

    [TestMethod]
    public void A_prompt_to_be_answered_ends_where_the_assistant_begins_or_goes_on()
    {
        RowCodec rows = Codec().Rows(isConversational: true);

        Assert.AreEqual("(the film)[", rows.Prompt(Json("the film"), TemplateCells.None).Text);
        Assert.AreEqual("(the film)[was", rows.Prompt(Json("the film", "was"), TemplateCells.None).Text);
        CollectionAssert.AreEqual(Ids("(the film)[was"), rows.Prompt(Json("the film", "was"), TemplateCells.None).Ids);
        foreach (string nothing in new[] { "", " ", "[]" })
            Assert.IsEmpty(rows.Prompt(nothing, TemplateCells.None).Ids);
    }

    [TestMethod]
    public void Rows_bring_tools_and_variables_of_the_template_along()
    {
        string messages = Json("a", "film");
        var row = new { Messages = messages, Tools, ChatTemplateKwargs = """{"mood": "warm "}""" };
        CollectionAssert.AreEqual(Ids("film warm (a)[film]"), Sft(row, new SftOptions()).Ids);
        CollectionAssert.AreEqual(Ids("(a)[film]"), Sft(new { Messages = messages, Tools = "[]" }, new SftOptions()).Ids);

        var renamed = new { Prompt = Json("a"), Chosen = Says("film"), Rejected = Says("plot"), Functions = Tools, Mood = "{\"mood\":1}" };
        var columns = new ConversationOptions { ToolsColumnName = "Functions", ChatTemplateKwargsColumnName = "Mood" };
        CollectionAssert.AreEqual(
            Ids("film 1(a)["), Pair(renamed, new DpoOptions { Conversations = columns }.Validated().Columns).Prompt);
    }

    [TestMethod]
    public void Variables_of_all_rows_stand_behind_those_of_a_row()
    {
        var all = new ConversationOptions { ChatTemplateKwargs = """{"mood": "warm ", "other": 1}""" };
        var options = new SftOptions { Conversations = all };
        string messages = Json("a", "film");
        CollectionAssert.AreEqual(Ids("warm (a)[film]"), Sft(new { Messages = messages }, options).Ids);
        CollectionAssert.AreEqual(Ids("warm (a)[film]"), Sft(new { Messages = messages, ChatTemplateKwargs = "" }, options).Ids);
        var own = new { Messages = messages, Tools, ChatTemplateKwargs = """{"mood": "cold "}""" };
        CollectionAssert.AreEqual(Ids("film cold (a)[film]"), Sft(own, options).Ids);
        Assert.AreEqual("""{"a":[1],"b":2}""", TemplateCells.Merged("""{"b": 2}""", """{"a": [1], "b": 1}"""));
        Assert.AreEqual("{\"a\":null}", TemplateCells.Merged("{\"a\": null}", "{\"a\": 1}"));
        Assert.AreEqual("[", TemplateCells.Merged("[", "{\"a\": 1}")); // told where it is read
    }

    [TestMethod]
    public void A_text_that_begins_like_a_conversation_stays_a_text()
    {
        var options = new SftOptions();
        TokenExample example = Sft(new { Prompt = Json("the film"), Completion = " was good" }, options);

        CollectionAssert.AreEqual(Ids(Json("the film") + " was good"), example.Ids[..^1]); // and the end token
        using TextGenerationTransformer texts = _ml.Trl().TextGeneration(Source(), Tiny.Greedy).Fit(View(Rows));
        Assert.AreEqual(
            texts.Model.Complete(Json("the film"), Tiny.Greedy with { MaxNewTokens = 3 }),
            texts.With(Tiny.Greedy with { MaxNewTokens = 3 }).Transform(View(Rows)).GetColumn<string>("Completion").First());
    }

    private TokenExample Sft<T>(T row, SftOptions options) where T : class => new SftReader(View([row]), options)
        .Read(Codec(), 96, new RowCounts(), default).Single();

    private PreferenceExample Dpo<T>(T row) where T : class =>
        Pair(row, new DpoOptions { Conversations = AsConversations }.Validated().Columns);

    private PreferenceExample Pair<T>(T row, PreferenceColumns columns) where T : class =>
        new PreferenceReader(View([row]), columns).ReadCut(Codec(), 96, new RowCounts(), default).Single();

    private IDataView View<T>(T[] rows) where T : class => _ml.Data.LoadFromEnumerable(rows);

    private static TextCodec Codec() => new(Tokenizer, Config);
}
