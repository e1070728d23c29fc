using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Text;

/// <summary>Calls of functions as templates write them: read back, and followed by what the functions give.</summary>
[TestClass]
public sealed class ToolCallFormatTests
{
    private const string Hermes =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}\n<tool_call>\n"
        + "{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}<|im_end|>\n"
        + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private const string Listed =
        "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% elif m.role == 'tool' %}"
        + "[TOOL_RESULTS] {{ m.content }} [/TOOL_RESULTS]{% elif m.tool_calls %}[TOOL_CALLS] [{% for c in m.tool_calls %}"
        + "{{ c.function | tojson }}{{ ', ' if not loop.last }}{% endfor %}]</s>{% else %} {{ m.content }}</s>{% endif %}{% endfor %}";

    private const string Alone =
        "{% for m in messages %}<{{ m.role }}>{% if m.tool_calls %}{\"name\": \"{{ m.tool_calls[0].function.name }}\", \"parameters\": "
        + "{{ m.tool_calls[0].function.arguments | tojson }}}{% else %}{{ m.content }}{% endif %}<|eot_id|>{% endfor %}"
        + "{% if add_generation_prompt %}<assistant>{% endif %}";

    private const string Tagged =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}\n<tool_call>\n<function="
        + "{{ c.function.name }}>\n{% for k, v in c.function.arguments | items %}<parameter={{ k }}>\n{{ v }}\n</parameter>\n{% endfor %}"
        + "</function>\n</tool_call>{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private static readonly TextTokenizer Plain = BpeTrainer.Train(
        ["what is 3 times 4", "the answer is 12"], 280,
        ["<|im_end|>", "<|im_start|>", "<|eot_id|>", "</s>", "<|start_header_id|>", "<|end_header_id|>", "<|begin_of_text|>"]);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow(Hermes, "so\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>", "so|f{\"x\":1}")]
    [DataRow(
        Hermes, "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"g\"}</tool_call>", "|f{}|g{}")]
    [DataRow(Hermes, "{\"name\": \"f\", \"arguments\": {}}", "{\"name\": \"f\", \"arguments\": {}}")] // no mark, no call
    [DataRow(Hermes, "<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"x\\\": 2}\"}", "|f{\"x\":2}")]
    [DataRow(Hermes, "<tool_call>{\"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": {}}}", "|f{}")]
    [DataRow(Hermes, "a <tool_call>", "a|!")]
    [DataRow(Hermes, "<tool_call>{\"name\": \"f\"\n</tool_call><tool_call>{\"name\": \"g\"}", "|!|g{}")]
    [DataRow(Listed, "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"x\": 1}}, {\"name\": \"g\"}]", "|f{\"x\":1}|g{}")]
    [DataRow(Listed, "[TOOL_CALLS] [3]", "|!")]
    [DataRow(Listed, "[TOOL_CALLS]", "|!")]
    [DataRow(Alone, " {\"name\": \"f\", \"parameters\": {\"x\": 1}}", "|f{\"x\":1}")]
    [DataRow(Alone, "{\"name\": \"f\", \"parameters\"", "|!")]
    [DataRow(Alone, "{\"x\": 1}", "{\"x\": 1}")]
    [DataRow(Alone, "say {\"name\": \"f\"}", "say {\"name\": \"f\"}")]
    [DataRow(
        Tagged, "so\n<tool_call>\n<function=f>\n<parameter=x>\n1\n</parameter>\n<parameter=y>\na\nb\n</parameter>\n</function>\n",
        "so|f{\"x\":\"1\",\"y\":\"a\\nb\"}")]
    [DataRow(Tagged, "<tool_call><function=f></function><function=g><parameter=x>1</parameter>", "|f{}|g{\"x\":\"1\"}")]
    [DataRow(Tagged, "so <tool_call>f", "so|!")]
    [DataRow(Tagged, "no call", "no call")]
    public void Calls_are_read_as_the_template_writes_them(string template, string text, string expected)
    {
        ParsedTurn turn = Format(template).Parse(text);
        IEnumerable<string> calls = turn.Calls.Select(
            call => call.Arguments is { } arguments ? call.Name + arguments.ToJsonString() : "!");
        Assert.AreEqual(expected, string.Join('|', calls.Prepend(turn.Text)));
        Assert.IsTrue(turn.Calls.All(call => call.Arguments is null == call.Problem is not null));
    }

    [TestMethod]
    [DataRow(Hermes, "\n<|im_start|>tool\n12<|im_end|>\n<|im_start|>tool\n13<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>")]
    [DataRow(Listed, "[TOOL_RESULTS] 12 [/TOOL_RESULTS][TOOL_RESULTS] 13 [/TOOL_RESULTS]", "</s>")]
    [DataRow(Alone, "<tool>12<|eot_id|><tool>13<|eot_id|><assistant>", "<|eot_id|>")]
    public void What_follows_a_turn_is_what_the_template_writes(string template, string expected, string end)
    {
        TextTokenizer tokenizer = With(template);
        ChatMessage[] results = [TurnSuffix.Result("call00000", "f", "12"), TurnSuffix.Result("call00001", "g", "13")];
        string Behind(bool hasEnded, params string[] ends) => tokenizer.Decode(
            new TurnSuffix(tokenizer, [.. ends.Select(token => tokenizer.IdOf(token)!.Value)])
                .Behind(results, TemplateCells.None, hasEnded), skipSpecialTokens: false);
        Assert.AreEqual(expected, Behind(true, end));
        Assert.AreEqual(end + expected, Behind(false, end), "a turn without its end");
        Assert.AreEqual(expected.TrimStart('\n'), Behind(true, "<|begin_of_text|>"), "no token ends a turn: all behind it");
    }

    [TestMethod]
    public void A_template_that_does_not_go_on_as_it_began_is_refused()
    {
        TextTokenizer tokenizer = With("{{ messages | length }}" + Hermes);
        var suffix = new TurnSuffix(tokenizer, []);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => suffix.Behind([new ChatMessage(ChatRole.User, "on")], TemplateCells.None, true)).Message,
            "in another way when it goes on");
    }

    [TestMethod]
    [DataRow("trl__qwen2_5", "\n<|im_start|>user\n<tool_response>\n12\n</tool_response><|im_end|>\n<|im_start|>assistant\n")]
    [DataRow("trl__qwen3", "\n<|im_start|>user\n<tool_response>\n12\n</tool_response><|im_end|>\n<|im_start|>assistant\n")]
    [DataRow("trl__qwen3_instruct_2507", "\n<|im_start|>user\n<tool_response>\n12\n</tool_response><|im_end|>\n<|im_start|>assistant\n")]
    [DataRow("trl__qwen3_6", "\n<|im_start|>user\n<tool_response>\n12\n</tool_response><|im_end|>\n<|im_start|>assistant\n<think>\n")]
    [DataRow("trl__nemotron_3_nano", "\n<|im_start|>user\n<tool_response>\n12\n</tool_response>\n<|im_end|>\n"
        + "<|im_start|>assistant\n<think>\n")]
    [DataRow("trl__llama3_1", "<|start_header_id|>ipython<|end_header_id|>\n\n\"12\"<|eot_id|>"
        + "<|start_header_id|>assistant<|end_header_id|>\n\n")]
    public void Templates_of_models_are_understood(string name, string behind)
    {
        TextTokenizer tokenizer = With(File.ReadAllText(Fixtures.Shared("chat_templates", "templates", name + ".jinja")));
        ToolCallFormat format = ToolCallFormat.Of(tokenizer, new ChatTemplateOptions());
        ChatMessage question = new(ChatRole.User, "3 times 4?");
        var call = new FunctionCallContent("call00000", "multiply", new Dictionary<string, object?> { ["a"] = 3, ["b"] = 4 });
        var options = new ChatTemplateOptions();
        string before = tokenizer.ApplyChatTemplate([question], options with { AddGenerationPrompt = true }).Text;
        string whole = tokenizer.ApplyChatTemplate([question, new ChatMessage(ChatRole.Assistant, [call])], options).Text;
        ParsedTurn turn = format.Parse(whole[before.AsSpan().CommonPrefixLength(whole)..]);
        Assert.AreEqual("multiply", turn.Calls.Single().Name);
        Assert.AreEqual("3 4", string.Join(' ', turn.Calls[0].Arguments!.Select(pair => pair.Value!.ToString())));
        int[] ends = [tokenizer.IdOf("<|im_end|>")!.Value, tokenizer.IdOf("<|eot_id|>")!.Value];
        var suffix = new TurnSuffix(tokenizer, ends);
        suffix.CheckResults(TemplateCells.None);
        int[] ids = suffix.Behind([TurnSuffix.Result("call00000", "multiply", "12")], TemplateCells.None, hasEnded: true);
        Assert.AreEqual(behind, tokenizer.Decode(ids, skipSpecialTokens: false));
    }

    [TestMethod]
    public void No_template_of_models_is_misunderstood()
    {
        int known = 0;
        foreach (string file in Directory.EnumerateFiles(Fixtures.Shared("chat_templates", "templates"), "*.jinja"))
            try
            {
                ToolCallFormat.Of(With(File.ReadAllText(file)), new ChatTemplateOptions());
                known++;
                TestContext.WriteLine($"{Path.GetFileName(file)} is read");
            }
            catch (Exception told) when (told is InvalidOperationException or NotSupportedException)
            {
                TestContext.WriteLine($"{Path.GetFileName(file)}: {told.Message}");
            }
        Assert.IsGreaterThan(15, known);
    }

    private static ToolCallFormat Format(string template) => ToolCallFormat.Of(With(template), new ChatTemplateOptions());

    private static TextTokenizer With(string template) => TextTokenizer.FromFiles(
        new Dictionary<string, string>(Plain.Files()) { ["chat_template.jinja"] = template });
}
