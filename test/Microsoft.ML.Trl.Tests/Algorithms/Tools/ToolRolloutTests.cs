using Microsoft.Extensions.AI;
using static Microsoft.ML.Trl.Tests.Algorithms.Tools.ToolTalk;

namespace Microsoft.ML.Trl.Tests.Algorithms.Tools;

/// <summary>Completions in which functions are called, with turns written down beforehand.</summary>
[TestClass]
public sealed class ToolRolloutTests
{
    private static readonly string Multiply34 = Call("multiply", """{"a": 3, "b": 4}""") + "</>";

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void A_function_is_called_and_what_it_gives_is_not_the_policys()
    {
        using var script = new ToolScript(Options(), ["so " + Multiply34, "10</>"], ["12</>"]);
        RolloutDraw draw = script.Draw([0, 1]);
        Assert.AreEqual($"so {Multiply34}[<t>12</><a>]12</>", Marked(draw.Completions[0]));
        Assert.AreEqual("10</>", Marked(draw.Completions[1]));
        Assert.IsNull(draw.Completions[1].Own);
        Assert.AreEqual("<s>multiply </><u>3*4?</><a>", Shown(draw.Completions[0].Query));
        CollectionAssert.AreEqual(new[] { $"<s>multiply </><u>3*4?</><a>so {Multiply34}<t>12</><a>" }, script.Asked[1]);
        Assert.AreEqual(Ids($"so {Multiply34}12</>").Length, draw.Completions[0].OwnTokens);
        Assert.AreEqual((0.5f, 0f), (draw.Figures["tools/call_frequency"], draw.Figures["tools/failure_frequency"]));

        IReadOnlyList<ChatMessage> turns = draw.Completions[0].Turns!.Messages;
        Assert.AreEqual("assistant: so|tool: |assistant: 12", string.Join("|", turns.Select(turn => $"{turn.Role}: {turn.Text}")));
        FunctionCallContent call = turns[0].Contents.OfType<FunctionCallContent>().Single();
        FunctionResultContent result = turns[1].Contents.OfType<FunctionResultContent>().Single();
        Assert.AreEqual(("multiply", call.CallId, "12"), (call.Name, result.CallId, result.Result!.ToString()));
        Assert.IsNull(result.Exception);
    }

    [TestMethod]
    public void A_turn_that_a_stop_string_ended_gets_its_end_token_which_is_not_the_policys()
    {
        using var script = new ToolScript(Options(), [Multiply34[..^3]], ["12</>"]);
        Assert.AreEqual($"{Multiply34[..^3]}[</><t>12</><a>]12</>", Marked(script.Draw([0]).Completions[0]));
    }

    [TestMethod]
    [Timeout(60_000, CooperativeCancellation = true)] // a first call that is awaited before the second begins would never end
    public void Calls_of_a_turn_run_at_the_same_time_and_answer_in_their_order()
    {
        var gate = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        GrpoOptions options = Options(
            AIFunctionFactory.Create(() => gate.Task, "wait"),
            AIFunctionFactory.Create(() => gate.TrySetResult("let go") ? "done" : "late", "release"));
        using var script = new ToolScript(options, [Call("wait", "{}") + Call("release", "{}") + "</>"], ["</>"]);
        RolloutDraw draw = script.Draw([0], TestContext.CancellationToken);
        StringAssert.Contains(Marked(draw.Completions[0]), "[<t>let go</><t>done</><a>]");
        Assert.AreEqual(2, draw.Figures["tools/call_frequency"]);
    }

    [TestMethod]
    public void Functions_that_need_not_be_awaited_run_one_after_the_other()
    {
        List<(int Thread, string Word)> said = [];
        AIFunction say = AIFunctionFactory.Create((string word) => said.Add((Environment.CurrentManagedThreadId, word)), "say");
        string Two(string first, string second) => Call("say", $$"""{"word": "{{first}}"}""") + Call("say", $$"""{"word": "{{second}}"}""");
        using var script = new ToolScript(Options(say), [Two("a", "b"), Two("c", "d")], ["</>", "</>"]);
        script.Draw([0, 1]);
        Assert.AreEqual("a b c d", string.Join(' ', said.Select(call => call.Word)));
        Assert.IsTrue(said.All(call => call.Thread == Environment.CurrentManagedThreadId));
    }

    [TestMethod]
    [DataRow("""<call>{"name": "divide", "arguments": {}}""", "There is no function 'divide'. There are: multiply, fail.", "unknown")]
    [DataRow("""<call>{"name": "multiply", "arguments": {"a": 3""", "The call is no JSON that can be read", "cut")]
    [DataRow("""<call>{"name": "multiply", "name": "fail"}""", "The call is no JSON that can be read", "a key twice")]
    [DataRow("""<call>{"title": "multiply"}""", "A call must be a JSON object", "no name")]
    [DataRow("""<call>[3]""", "A call must be a JSON object", "a number")]
    [DataRow("""<call>{"name": "multiply", "arguments": [3, 4]}""", "The arguments of multiply must be a JSON object.", "a list")]
    [DataRow("""<call>{"name": "multiply", "arguments": {"a": 3}}""", "'b'", "an argument is missing")]
    [DataRow("""<call>{"name": "multiply", "arguments": {"a": 3, "b": "x"}}""", "b", "an argument of another type")]
    [DataRow("""<call>{"name": "fail", "arguments": {}}""", "no such thing", "an exception")]
    public void A_call_that_fails_tells_the_policy_why(string call, string problem, string what)
    {
        GrpoOptions options = Options(
            Multiplication, AIFunctionFactory.Create(string () => throw new FormatException("no such thing"), "fail"));
        using var script = new ToolScript(options with { Generation = new() { MaxNewTokens = 240 } }, 512, [call + "</>"], ["sorry</>"]);
        RolloutDraw draw = script.Draw([0]);
        StringAssert.Contains(Marked(draw.Completions[0]), "[<t>{\"error\":", what);
        StringAssert.Contains(Marked(draw.Completions[0]), problem, what);
        StringAssert.EndsWith(Marked(draw.Completions[0]), "<a>]sorry</>", what);
        FunctionResultContent result = draw.Completions[0].Turns!.Messages[1].Contents.OfType<FunctionResultContent>().Single();
        StringAssert.Contains(result.Exception!.Message, problem, what); // for rewards
        Assert.AreEqual((1f, 1f), (draw.Figures["tools/call_frequency"], draw.Figures["tools/failure_frequency"]), what);
    }

    [TestMethod]
    public void Figures_without_a_call_are_0()
    {
        using var script = new ToolScript(Options(), ["no</>"]);
        Dictionary<string, float> figures = script.Draw([0]).Figures;
        Assert.AreEqual((0f, 0f), (figures["tools/call_frequency"], figures["tools/failure_frequency"]));
    }

    [TestMethod]
    public void The_limit_of_iterations_leaves_the_last_calls_unmade()
    {
        int calls = 0;
        GrpoOptions options = Options(AIFunctionFactory.Create(() => ++calls, "count")) with { MaxToolCallingIterations = 2 };
        string count = Call("count", "{}") + "</>";
        using var script = new ToolScript(options, [count], [count], [count]);
        DrawnCompletion completion = script.Draw([0]).Completions[0];
        Assert.AreEqual($"{count}[<t>1</><a>]{count}[<t>2</><a>]{count}", Marked(completion));
        Assert.AreEqual(2, calls);
        Assert.HasCount(5, completion.Turns!.Messages);
    }

    [TestMethod]
    public void A_result_without_room_is_dropped_and_ends_the_completion()
    {
        int turn = Ids(Multiply34).Length, result = Ids("<t>12</><a>").Length;
        using var script = new ToolScript(Limited(turn + result - 1), [Multiply34]);
        RolloutDraw draw = script.Draw([0]);
        Assert.AreEqual(Multiply34, Marked(draw.Completions[0]));
        Assert.HasCount(1, draw.Completions[0].Turns!.Messages);
        Assert.AreEqual(1, draw.Figures["tools/call_frequency"], "it was called");
    }

    [TestMethod]
    public void A_result_that_takes_all_room_is_the_end()
    {
        int most = Ids(Multiply34).Length + Ids("<t>12</><a>").Length;
        using var script = new ToolScript(Limited(most), [Multiply34]);
        DrawnCompletion completion = script.Draw([0]).Completions[0];
        Assert.AreEqual($"{Multiply34}[<t>12</><a>]", Marked(completion));
        Assert.HasCount(most, completion.Ids);
    }

    [TestMethod]
    public void All_turns_together_stay_within_the_length_limit()
    {
        int most = Ids(Multiply34).Length + Ids("<t>12</><a>").Length + 3;
        using var script = new ToolScript(Limited(most), [Multiply34], ["twelve</>"]);
        Assert.AreEqual($"{Multiply34}[<t>12</><a>]twe", Marked(script.Draw([0]).Completions[0]));
        CollectionAssert.AreEqual(new[] { most, 3 }, script.Most.ToArray());
    }

    [TestMethod]
    public void All_turns_together_stay_within_the_context()
    {
        int prompt = Ids("<s>multiply </><u>3*4?</><a>").Length, said = Ids(Multiply34).Length + Ids("<t>12</><a>").Length;
        using (var script = new ToolScript(Options(), prompt + said + 2, [Multiply34], ["twelve</>"]))
            Assert.AreEqual($"{Multiply34}[<t>12</><a>]tw", Marked(script.Draw([0]).Completions[0]));
        using (var script = new ToolScript(Options(), prompt + said - 1, [Multiply34]))
            Assert.AreEqual(Multiply34, Marked(script.Draw([0]).Completions[0]));
    }

    [TestMethod]
    public void Cancelling_does_not_wait_for_a_function()
    {
        using var cancel = new CancellationTokenSource();
        GrpoOptions options = Options(AIFunctionFactory.Create(
            () =>
            {
                cancel.Cancel();
                return new TaskCompletionSource<string>().Task; // never ends
            },
            "wait"));
        using var script = new ToolScript(options, [Call("wait", "{}")]);
        Assert.Throws<OperationCanceledException>(() => script.Draw([0], cancel.Token));
    }

    [TestMethod]
    public void A_template_that_cannot_call_functions_is_refused()
    {
        Refused<InvalidOperationException>("leaves calls of functions out", "{% for m in messages %}<u>{{ m.content }}</>{% endfor %}");
        Refused<InvalidOperationException>(
            "leaves results of functions out", Template.Replace("<t>{{ m.content }}</>", "<t></>", StringComparison.Ordinal));
        Refused<InvalidOperationException>(
            "refuses results of functions: ", Template.Replace(
                "<t>{{ m.content }}", "{{ raise_exception('no tools') }}", StringComparison.Ordinal));
        Refused<InvalidOperationException>("refuses calls of functions: ", Template.Replace(
            "<call>", "{{ raise_exception('no calls') }}", StringComparison.Ordinal));
        Refused<NotSupportedException>(
            "in a way that is not read here: 'probe_function/{\"probe_key\": \"probe_value\"}</>'", Template.Replace(
                "<call>{\"name\": {{ c.function.name | tojson }}, \"arguments\": {{ c.function.arguments | tojson }}}",
                "{{ c.function.name }}/{{ c.function.arguments | tojson }}", StringComparison.Ordinal));
    }

    private static void Refused<T>(string message, string template)
        where T : Exception
    {
        var ml = new MLContext(1);
        ModelSource source = ModelSource.New(Config(), With(template), 1);
        GrpoTrainer stage = ml.Trl().Grpo(source, [RewardFunction.Of((_, _) => 1)], Options());
        StringAssert.Contains(Assert.ThrowsExactly<T>(() => stage.Fit(ml.Data.LoadFromEnumerable(Rows))).Message, message);
    }

    internal static AIFunction Multiplication { get; } = AIFunctionFactory.Create((int a, int b) => a * b, "multiply");

    private static GrpoOptions Options(params AIFunction[] tools) => new GrpoOptions
    {
        Conversations = new(),
        Tools = tools.Length > 0 ? tools : [Multiplication],
        Generation = new() { MaxNewTokens = 200 },
    }.Validated();

    private static GrpoOptions Limited(int most) => Options() with { Generation = new() { MaxNewTokens = most } };
}
