using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Templates;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Conversations;

/// <summary>Conversations as TRL v1.9.0 reads them: what is a prompt, and the tokens that its trainers fed their models.</summary>
[TestClass]
public sealed class ConversationFixtureTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void The_prompt_that_two_conversations_share_is_the_references()
    {
        using JsonDocument functions = Fixtures.Json("data_utils", "functions.json");
        JsonElement golden = functions.RootElement.EnumerateArray().Single(one => one.GetProperty("fn").GetString() == "extract_prompt");
        int compared = 0;
        foreach ((JsonElement input, JsonElement output) in
            golden.GetProperty("inputs").EnumerateArray().Zip(golden.GetProperty("outputs").EnumerateArray()))
        {
            if (input.GetProperty("chosen").ValueKind != JsonValueKind.Array)
                continue; // texts: see ImplicitPromptTests
            (MessageList prompt, MessageList chosen, MessageList rejected) = MessageList.ExtractPrompt(
                MessageList.Parse(input.GetProperty("chosen").GetRawText()), MessageList.Parse(input.GetProperty("rejected").GetRawText()));
            foreach ((string name, MessageList part) in new[] { ("prompt", prompt), ("chosen", chosen), ("rejected", rejected) })
            {
                JsonNode expected = JsonNode.Parse(output.GetProperty(name).GetRawText())!;
                Assert.IsTrue(JsonNode.DeepEquals(expected, Back(part)), $"{name} is not {expected.ToJsonString()}");
                compared++;
            }
        }
        Assert.IsGreaterThan(0, compared);
    }

    [TestMethod]
    [DataRow("[1]", "[1]", 0, DisplayName = "the same, of one message")]
    [DataRow("[1, 2]", "[1, 2]", 1, DisplayName = "the same: the last is no part of the prompt")]
    [DataRow("[1, 2, 3]", "[1, 2]", 1, DisplayName = "one begins the other")]
    [DataRow("[1, 2, 3]", "[1, 2, 4]", 2, DisplayName = "several turns")]
    [DataRow("[1]", "[2]", 0, DisplayName = "nothing shared")]
    public void The_shared_prompt_is_found_as_in_the_references_code(string chosen, string rejected, int shared)
    {
        // for idx in range(min(len(chosen), len(rejected))): if chosen[idx] != rejected[idx]: break
        (MessageList better, MessageList worse) = (Messages(chosen), Messages(rejected));
        if (shared == 0)
            Assert.Contains("do not begin with the same messages", Assert.ThrowsExactly<InvalidDataException>(
                () => MessageList.ExtractPrompt(better, worse)).Message);
        else
            Assert.HasCount(shared, MessageList.ExtractPrompt(better, worse).Prompt.Values);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Pairs_of_conversations_are_the_tokens_that_DPO_was_fed(bool hasPrompts)
    {
        const string Name = "dpo_llama_chat_mpo";
        using JsonDocument texts = Fixtures.SharedJson("trajectories", Name, "run.json");
        TextTokenizer tokenizer = TextTokenizer.Load(Fixtures.Shared(texts.RootElement.GetProperty("tokenizer").GetString()!.Split('/')));
        using var run = new Trajectory(Name);
        var codec = new TextCodec(tokenizer, HuggingFaceFolder.LoadConfig(run.ModelFolder));
        Talk.Row[] rows = [.. texts.RootElement.GetProperty("rows").EnumerateArray().Select(row => new Talk.Row
        {
            Prompt = row.GetProperty("prompt").GetRawText(),
            Chosen = (hasPrompts ? [] : Array(row, "prompt")).Concat(Array(row, "chosen")).ToJson(),
            Rejected = (hasPrompts ? [] : Array(row, "prompt")).Concat(Array(row, "rejected")).ToJson(),
        })];
        DpoOptions options = new()
        {
            Conversations = new(),
            MaxLength = run.Args.GetProperty("max_length").GetInt32(),
            PromptColumnName = hasPrompts ? "Prompt" : "None",
        };

        List<PreferenceExample> pairs = new PreferenceReader(_ml.Data.LoadFromEnumerable(rows), options.Validated().Columns)
            .ReadCut(codec, options.MaxLength.Value, new RowCounts(), default);

        PreferenceExample[] expected = [.. run.MicroBatches.SelectMany(micro => run.Pairs(micro.Number))];
        Assert.IsNotEmpty(expected);
        for (int i = 0; i < expected.Length; i++)
        {
            PreferenceExample pair = pairs[i % pairs.Count];
            CollectionAssert.AreEqual(expected[i].Prompt, pair.Prompt, $"prompt {i}");
            CollectionAssert.AreEqual(expected[i].Chosen, pair.Chosen, $"chosen {i}");
            CollectionAssert.AreEqual(expected[i].Rejected, pair.Rejected, $"rejected {i}");
        }
    }

    [TestMethod]
    public void A_conversation_in_two_columns_has_the_tokens_that_SFT_was_fed()
    {
        const string Name = "sft_llama_chat";
        using JsonDocument texts = Fixtures.SharedJson("trajectories", Name, "run.json");
        TextTokenizer tokenizer = TextTokenizer.Load(Fixtures.Shared(texts.RootElement.GetProperty("tokenizer").GetString()!.Split('/')));
        using var run = new Trajectory(Name);
        Talk.Row[] rows = [.. texts.RootElement.GetProperty("rows").EnumerateArray().Select(row => new Talk.Row
        {
            Prompt = Array(row, "messages").SkipLast(1).ToJson(),
            Completion = Array(row, "messages").TakeLast(1).ToJson(),
        })];
        var options = new SftOptions { Conversations = new(), MaxLength = run.Args.GetProperty("max_length").GetInt32() };

        List<TokenExample> examples = new SftReader(_ml.Data.LoadFromEnumerable(rows), options).Read(
            new TextCodec(tokenizer, HuggingFaceFolder.LoadConfig(run.ModelFolder)), options.MaxLength.Value, new RowCounts(), default);

        int[][] expected = [.. run.MicroBatches.SelectMany(micro => run.Rows(micro.Number)).Select(row => row.Ids)];
        for (int i = 0; i < expected.Length; i++)
        {
            TokenExample example = examples[i % examples.Count];
            CollectionAssert.AreEqual(expected[i], example.Ids, $"row {i}");
            string start = tokenizer.Decode(example.Ids[..example.PromptLength]);
            Assert.EndsWith("\nassistant\n", start, $"row {i}");
        }
    }

    private static JsonElement[] Array(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray()];

    private static MessageList Messages(string numbers) => MessageList.Parse(new JsonArray([.. JsonNode.Parse(numbers)!.AsArray()
        .Select(number => new JsonObject { ["role"] = "user", ["content"] = number!.ToString() })]).ToJsonString());

    private static JsonArray Back(MessageList messages) => new JsonArray([.. messages.Values.Cast<DictValue>().Select(message =>
        new JsonObject(message.Pairs.Select(pair => KeyValuePair.Create((string)pair.Key, (JsonNode?)(string)pair.Value))))]);
}

file static class JsonElements
{
    public static string ToJson(this IEnumerable<JsonElement> elements) =>
        $"[{string.Join(", ", elements.Select(one => one.GetRawText()))}]";
}
