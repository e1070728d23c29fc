using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Trl.Tests.Tokenization;

namespace Microsoft.ML.Trl.Tests.Algorithms.Sft;

/// <summary>SFT on conversations: their tokens and labels against TRL's, and what is said about data that have none.</summary>
[TestClass]
public sealed class SftConversationTests
{
    private const string Template = "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}!"
        + "{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}";

    private const string Greeting = """[{"role": "user", "content": "the film was."}, {"role": "assistant", "content": " good"}]""";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("sft_llama_chat", null)]
    [DataRow("sft_llama_assistant_only", "trl__qwen2_5_training.jinja")]
    public void Tokens_and_labels_equal_those_of_the_reference(string name, string? template)
    {
        using JsonDocument texts = Fixtures.SharedJson("trajectories", name, "run.json");
        using var run = new Trajectory(name);
        string folder = Fixtures.Shared(texts.RootElement.GetProperty("tokenizer").GetString()!.Split('/'));
        TextTokenizer tokenizer = TextTokenizer.Load(folder);
        if (template is not null)
            tokenizer = WithTemplate(tokenizer, File.ReadAllText(Fixtures.Shared("chat_templates", "templates", template)));
        using CausalLanguageModel network = HuggingFaceFolder.LoadModel(run.ModelFolder);
        var options = new SftOptions
        {
            AssistantOnlyLoss = run.Args.GetProperty("assistant_only_loss").GetBoolean(),
            MaxLength = run.Args.GetProperty("max_length").GetInt32(),
        };
        IDataView rows = Rows([.. texts.RootElement.GetProperty("rows").EnumerateArray()
            .Select(row => row.GetProperty("messages").GetRawText())]);

        List<TokenExample> examples = new SftReader(rows, options).Read(
            new TextCodec(tokenizer, network.Config), options.MaxLength!.Value, new RowCounts(), default);

        (int[] Ids, bool[] Labelled)[] expected = [.. run.MicroBatches.SelectMany(micro => run.Rows(micro.Number))];
        Assert.IsNotEmpty(expected);
        for (int i = 0; i < expected.Length; i++)
        {
            TokenExample example = examples[i % examples.Count];
            CollectionAssert.AreEqual(expected[i].Ids, example.Ids, $"{name}, row {i}");
            bool[] learned = [.. Enumerable.Range(0, example.Ids.Length).Select(example.Learns)];
            CollectionAssert.AreEqual(expected[i].Labelled, learned, $"{name}, labels of row {i}");
        }
    }

    [TestMethod]
    public void The_assistants_part_alone_is_learned_where_that_is_asked_for()
    {
        TextTokenizer tokenizer = WithTemplate(Tiny.Tokenizer, Template);

        TokenExample all = Read(new SftOptions()), part = Read(new SftOptions { AssistantOnlyLoss = true });

        CollectionAssert.AreEqual(tokenizer.Encode("the film was. good!"), all.Ids);
        CollectionAssert.AreEqual(all.Ids, part.Ids);
        Assert.IsTrue(Enumerable.Range(0, all.Ids.Length).All(all.Learns));
        Assert.AreEqual(" good!", tokenizer.Decode([.. part.Ids.Where((_, at) => part.Learns(at))]));

        TokenExample Read(SftOptions options) => new SftReader(Rows([Greeting]), options)
            .Read(new TextCodec(tokenizer, Tiny.Config()), 100, new RowCounts(), default).Single();
    }

    [TestMethod]
    public void Conversations_are_learned_from_a_column_of_texts()
    {
        var options = new SftOptions { AssistantOnlyLoss = true, NumTrainEpochs = 20, LearningRate = 1e-2 };
        using TextGenerationTransformer sft = _ml.Trl().Sft(Source(Template), options).Fit(Rows([Greeting]));

        Assert.IsLessThan(0.8 * sft.Reports[0].Metrics["loss"], sft.Reports[^1].Metrics["loss"]);
    }

    [TestMethod]
    public void What_cannot_be_read_is_told()
    {
        var assistant = new SftOptions { AssistantOnlyLoss = true };
        IDataView texts = _ml.Data.LoadFromEnumerable(new[] { new { Text = "a" } });

        Refused<ArgumentException>(
            "AssistantOnlyLoss is true, but SFT would read no conversations: a column 'Messages' (MessagesColumnName) is missing",
            () => _ml.Trl().Sft(Source(Template), assistant).Fit(texts));
        Refused<InvalidOperationException>(
            "The tokenizer has no chat template: ", () => _ml.Trl().Sft(Tiny.Source()).Fit(Rows([Greeting])));
        Refused<InvalidOperationException>(
            "AssistantOnlyLoss is true, but the model's chat template has no {% generation %} blocks",
            () => _ml.Trl().Sft(Source("{{ messages }}"), assistant).Fit(Rows([Greeting])));
        Refused<InvalidDataException>(
            "Row 1 of the column 'Messages' cannot be rendered: The messages are not JSON that can be read: ",
            () => _ml.Trl().Sft(Source(Template)).Fit(Rows([Greeting, "{"])));
        Refused<InvalidDataException>(
            "Row 0 of the column 'Messages' cannot be rendered: no!",
            () => _ml.Trl().Sft(Source("{{ raise_exception('no!') }}")).Fit(Rows([Greeting])));
    }

    [TestMethod]
    public void Tokens_are_found_where_the_tokenizer_adds_or_drops_blanks()
    {
        // "<m>" takes the blanks around it along; "x" stands behind it
        TextTokenizer stripping = TinyTokenizer.WithMark("lstrip", "rstrip");
        int[] ids = stripping.Encode("a <m> x");

        CollectionAssert.AreEqual(new[] { TinyTokenizer.A, TinyTokenizer.Mark, TinyTokenizer.X }, ids);
        CollectionAssert.AreEqual(new[] { false, false, true }, stripping.Covered("a <m> x", ids, [new ChatSpan(6, 7)]));
        CollectionAssert.AreEqual(new[] { true, true, false }, stripping.Covered("a <m> x", ids, [new ChatSpan(0, 5)]));
        CollectionAssert.AreEqual(new[] { false, false, false }, stripping.Covered("a <m> x", ids, [new ChatSpan(2, 2)]));
        Refused<NotSupportedException>(
            "The tokens of this tokenizer do not spell the text", () => stripping.Covered("b <m> x", ids, [new ChatSpan(0, 1)]));
    }

    private static ModelSource Source(string template)
        => ModelSource.New(Tiny.Config(), WithTemplate(Tiny.Tokenizer, template), seed: 1);

    private static void Refused<T>(string message, Action action) where T : Exception
        => Assert.StartsWith(message, Assert.Throws<T>(action).Message);

    private static TextTokenizer WithTemplate(TextTokenizer tokenizer, string template)
        => TextTokenizer.FromFiles(new Dictionary<string, string>(tokenizer.Files()) { ["chat_template.jinja"] = template });

    private IDataView Rows(string[] conversations)
        => _ml.Data.LoadFromEnumerable(conversations.Select(text => new Row { Messages = text }));

    private sealed class Row
    {
        public string Messages { get; set; } = "";
    }
}
