using System.Text.Json.Nodes;
using static Microsoft.ML.Trl.Tests.Datasets.Files;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>Others' layouts become TRL's columns, told by the first row. Expected values are written by hand.</summary>
[TestClass]
public sealed class DatasetFormatTests : IDisposable
{
    private static readonly DatasetOptions Talking = new() { AsConversations = true };

    private readonly MLContext _ml = new(1);
    private readonly Files _files = new();

    public void Dispose() => _files.Dispose();

    [TestMethod]
    public void Alpaca_is_prompt_and_completion()
    {
        const string Rows = """
            [{"instruction": "Add.", "input": "1 and 2", "output": "3"}, {"instruction": "Greet me.", "input": "", "output": "Hello"},
             {"instruction": "Sing.", "output": "La", "text": "the whole of it"}]
            """;
        IDataView view = Load("alpaca.json", Rows);
        Assert.AreEqual("Prompt String, Completion String", SchemaOf(view));
        CollectionAssert.AreEqual(
            new[]
            {
                "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that "
                + "appropriately completes the request.\n\n### Instruction:\nAdd.\n\n### Input:\n1 and 2\n\n### Response:\n",
                "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
                + "### Instruction:\nGreet me.\n\n### Response:\n",
                "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
                + "### Instruction:\nSing.\n\n### Response:\n",
            },
            Texts(view, "Prompt"));
        CollectionAssert.AreEqual(new[] { "3", "Hello", "La" }, Texts(view, "Completion"));

        IDataView talks = Load("alpaca.json", Rows, Talking);
        SameJson("""[{"role": "user", "content": "Add.\n1 and 2"}]""", Texts(talks, "Prompt")[0]);
        SameJson("""[{"role": "assistant", "content": "Hello"}]""", Texts(talks, "Completion")[1]);
        Assert.AreEqual(new DatasetShape(DatasetType.PromptCompletion, true), DatasetShape.Of(talks));
    }

    [TestMethod]
    public void ShareGpt_is_messages_of_the_usual_roles()
    {
        IDataView view = Load("share.json", """
            [{"id": "x", "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yo", "weight": 1}],
              "system": "Be brief."},
             {"id": "y", "conversations":
               [{"from": "system", "value": "s"}, {"from": "user", "value": "a"}, {"from": "chatgpt", "value": "b"}]}]
            """);
        Assert.AreEqual("id String, Messages String", SchemaOf(view));
        SameJson(
            """
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"},
             {"role": "assistant", "content": "yo", "weight": 1}]
            """,
            Texts(view, "Messages")[0]);
        SameJson(
            """[{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]""",
            Texts(view, "Messages")[1]);
    }

    [TestMethod]
    public void ShareGpt_with_chosen_and_rejected_is_a_pair()
    {
        IDataView view = Load("share.json", """
            {"conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "gpt", "value": "good"},
             "rejected": {"from": "gpt", "value": "bad"}}
            """);
        Assert.AreEqual(new DatasetShape(DatasetType.Preference, true), DatasetShape.Of(view));
        SameJson("""[{"role": "user", "content": "q"}]""", Texts(view, "Prompt")[0]);
        SameJson("""[{"role": "assistant", "content": "bad"}]""", Texts(view, "Rejected")[0]);
    }

    [TestMethod]
    public void LmFlow_has_five_types()
    {
        IDataView text = Load("a.json", """{"type": "text_only", "instances": [{"text": "one"}, {"text": "two"}]}""");
        CollectionAssert.AreEqual(new[] { "one", "two" }, Texts(text, "Text"));

        IDataView pairs = Load("b.json", """{"type": "text2text", "instances": [{"input": "in", "output": "out"}]}""");
        Assert.AreEqual(("in", "out"), (Texts(pairs, "Prompt")[0], Texts(pairs, "Completion")[0]));

        IDataView talk = Load("c.json", """
            {"type": "conversation", "instances": [{"conversation_id": 7, "system": "S", "tools": ["{\"name\": \"f\"}", "as text"],
              "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""},
                           {"role": "user", "content": "left out"}]}]}
            """);
        Assert.AreEqual("Tools String, Messages String", SchemaOf(talk));
        SameJson(
            """[{"role": "system", "content": "S"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": " "}]""",
            Texts(talk, "Messages")[0]);
        SameJson("""[{"name": "f"}, "as text"]""", Texts(talk, "Tools")[0]);

        const string Question = """{"role": "user", "content": "q"}""";
        IDataView preference = Load("d.json", $$$"""
            {"type": "paired_conversation", "instances": [
              {"chosen": {"messages": [{{{Question}}}, {"role": "assistant", "content": "good"}]},
               "rejected": {"messages": [{{{Question}}}, {"role": "assistant", "content": "bad"}]}}]}
            """);
        Assert.AreEqual(new DatasetShape(DatasetType.ImplicitPromptPreference, true), DatasetShape.Of(preference));
        SameJson($$"""[{{Question}}, {"role": "assistant", "content": "bad"}]""", Texts(preference, "Rejected")[0]);

        IDataView texts = Load("e.json", """
            {"type": "paired_text_to_text", "instances": [{"prompt": "p", "chosen": "c", "rejected": "r"}]}
            """);
        Assert.AreEqual(new DatasetShape(DatasetType.Preference, false), DatasetShape.Of(texts));
    }

    [TestMethod]
    public void Hh_rlhf_is_split_where_the_assistant_answers_differently()
    {
        string rows = new JsonObject
        {
            ["chosen"] = "\n\nHuman: hi\n\nAssistant: yes\n\nHuman: and?\n\nAssistant: good",
            ["rejected"] = "\n\nHuman: hi\n\nAssistant: yes\n\nHuman: and?\n\nAssistant: bad",
        }.ToJsonString() + "\n" + new JsonObject
        {
            ["chosen"] = "\n\nHuman: a\n\nAssistant: b",
            ["rejected"] = "\n\nHuman: a\n\nAssistant: c\n\nHuman: d\n\nAssistant: e",
        }.ToJsonString();
        IDataView view = Load("hh.jsonl", rows);
        CollectionAssert.AreEqual(
            new[] { "\n\nHuman: hi\n\nAssistant: yes\n\nHuman: and?\n\nAssistant:", "\n\nHuman: a\n\nAssistant:" }, Texts(view, "Prompt"));
        CollectionAssert.AreEqual(new[] { " good", " b" }, Texts(view, "Chosen"));
        CollectionAssert.AreEqual(new[] { " bad", " c\n\nHuman: d\n\nAssistant: e" }, Texts(view, "Rejected"));

        IDataView talks = Load("hh.jsonl", rows, Talking);
        SameJson("""[{"role": "user", "content": "a"}]""", Texts(talks, "Prompt")[1]);
        SameJson(
            """[{"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}, {"role": "assistant", "content": "e"}]""",
            Texts(talks, "Rejected")[1]);
    }

    [TestMethod]
    public void Chat_texts_of_LmFlow_end_with_the_last_answer()
    {
        string rows = string.Join('\n', new[]
        {
            "###Human: hi###Assistant: yo###Human: more?###Assistant: yes", "### Human: a### Assistant: b ###Human: and",
        }.Select(text => new JsonObject { ["text"] = text }.ToJsonString()));
        IDataView view = Load("chat.jsonl", rows);
        CollectionAssert.AreEqual(
            new[] { "###Human: hi###Assistant: yo###Human: more?###Assistant:", "### Human: a### Assistant:" }, Texts(view, "Prompt"));
        CollectionAssert.AreEqual(new[] { " yes", " b" }, Texts(view, "Completion"));
        SameJson("""[{"role": "assistant", "content": "b"}]""", Texts(Load("chat.jsonl", rows, Talking), "Completion")[1]);

        IDataView prompts = Load("prompts.jsonl", """{"text": "###Human: hi###Assistant:"}""");
        Assert.AreEqual("Prompt String", SchemaOf(prompts));
    }

    /// <summary>Worked by hand in LMFlow's function: split at ###Human, the first part that is there, strip, strip("#").</summary>
    [TestMethod]
    [DataRow(" I am fine.###Human: and you?", "I am fine.")]
    [DataRow("###Human: first###Human", ": first")]
    [DataRow("  ##odd## \n", "odd")]
    [DataRow("###Human", "")]
    [DataRow("", "")]
    public void Completions_are_cut_at_the_next_turn_of_the_human(string completion, string expected) =>
        Assert.AreEqual(expected, Transcript.CleanCompletion(completion));

    [TestMethod]
    public void Steps_become_one_text_with_a_label_for_each()
    {
        IDataView view = Load("steps.jsonl", """{"prompt": "p", "completions": ["one", "two"], "labels": [true, false]}""");
        Assert.AreEqual("Prompt String, Labels Vector<Boolean>, Completion String", SchemaOf(view));
        Assert.AreEqual("one\ntwo\n", Texts(view, "Completion")[0]);
        Assert.AreEqual(new DatasetShape(DatasetType.StepwiseSupervision, false), DatasetShape.Of(view));
    }

    [TestMethod]
    public void A_layout_that_is_named_is_not_guessed()
    {
        IDataView view = Load(
            "alpaca.jsonl", """{"instruction": "a", "output": "b"}""", new DatasetOptions { Format = DatasetFormat.Columns });
        Assert.AreEqual("instruction String, output String", SchemaOf(view));
    }

    [TestMethod]
    [DataRow("""{"text": "a"}""", DatasetType.LanguageModeling, false)]
    [DataRow("""{"messages": [{"role": "user"}]}""", DatasetType.LanguageModeling, true)]
    [DataRow("""{"prompt": "a", "extra": 1}""", DatasetType.PromptOnly, false)]
    [DataRow("""{"prompt": [{"role": "user"}]}""", DatasetType.PromptOnly, true)]
    [DataRow("""{"prompt": "a", "completion": "b"}""", DatasetType.PromptCompletion, false)]
    [DataRow("""{"prompt": "a", "chosen": "b", "rejected": "c"}""", DatasetType.Preference, false)]
    [DataRow("""{"chosen": "b", "rejected": "c"}""", DatasetType.ImplicitPromptPreference, false)]
    [DataRow("""{"chosen": [{"role": "user"}], "rejected": [{"role": "user"}]}""", DatasetType.ImplicitPromptPreference, true)]
    [DataRow("""{"prompt": "a", "completion": "b", "label": true}""", DatasetType.UnpairedPreference, false)]
    [DataRow("""{"prompt": "a", "completions": ["b"], "labels": [true]}""", DatasetType.StepwiseSupervision, false)]
    public void The_type_is_told_by_the_columns(string row, DatasetType type, bool isConversational)
    {
        var expected = new DatasetShape(type, isConversational);
        Assert.AreEqual(expected, DatasetShape.Of(JsonNode.Parse(row)!.AsObject()));
        Assert.AreEqual(expected, DatasetShape.Of(Load("type.jsonl", row)));
        Assert.AreEqual(isConversational, expected.Conversations is not null);
    }

    private IDataView Load(string name, string content, DatasetOptions? options = null) =>
        _ml.Data.LoadDataset(_files.Write(name, content), options);

    private static void SameJson(string expected, string actual) =>
        Assert.IsTrue(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(actual)), $"expected {expected}, got {actual}");
}
