using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Templates;
using static Microsoft.ML.Trl.Tests.Algorithms.Tools.ToolTalk;

namespace Microsoft.ML.Trl.Tests.Algorithms.Tools;

/// <summary>Completions that act in environments, with turns written down beforehand.</summary>
[TestClass]
public sealed class EnvironmentTests
{
    [TestMethod]
    public void A_game_goes_on_until_it_is_over_and_each_completion_has_its_own()
    {
        List<Guess> made = [];
        using (var script = new ToolScript(
            Options(() => Add(made)), ["5</>", "5</>", "4</>"], ["9</>", "7</>"], ["7</>"], ["4</>"]))
        {
            RolloutDraw first = script.Draw([0, 0, 1]);
            CollectionAssert.AreEqual(
                new[] { "5</>[<u>higher</><a>]9</>[<u>lower</><a>]7</>", "5</>[<u>higher</><a>]7</>", "4</>" },
                first.Completions.Select(Marked).ToArray());
            Assert.AreEqual("<u>3*4?Guess!</><a>", Shown(first.Completions[0].Query));
            Assert.AreEqual("<u>2*5?Guess!</><a>", Shown(first.Completions[2].Query));
            CollectionAssert.AreEqual(new[] { 3, 2, 1 }, made.Select(game => game.Guesses).ToArray());
            Assert.AreSame(made[1], first.Completions[1].Turns!.Environment);
            Assert.IsEmpty(first.Figures, "there are no functions");
            Assert.HasCount(1, script.Draw([1]).Completions);
            Assert.HasCount(3, made, "used again");
            Assert.AreEqual((2, 1), (made[0].Resets, made[0].Guesses));
        }
        Assert.IsTrue(made.All(game => game.IsDisposed));
    }

    [TestMethod]
    public void Functions_of_an_environment_are_those_of_the_completions_own()
    {
        List<Lamps> made = [];
        GrpoOptions options = Options(() => Add(made)) with { Tools = [ToolRolloutTests.Multiplication] };
        string on = Call("light", """{"count": 2}""") + "</>", more = Call("light", """{"count": 5}""") + "</>";
        using var script = new ToolScript(options, [on, more], [Call("multiply", """{"a": 2, "b": 2}""") + "</>", "</>"], ["</>"]);
        RolloutDraw draw = script.Draw([0, 0]);
        Assert.AreEqual("<s>multiply light </><u>3*4?</><a>", Shown(draw.Completions[0].Query));
        StringAssert.StartsWith(Marked(draw.Completions[0]), on + "[<t>2 lit</><a>]");
        StringAssert.EndsWith(Marked(draw.Completions[0]), "[<t>4</><a>]</>");
        CollectionAssert.AreEqual(new[] { 2, 5 }, made.Select(lamps => lamps.Lit).ToArray());
        Assert.AreEqual(1.5f, draw.Figures["tools/call_frequency"]);
    }

    [TestMethod]
    public void Rewards_see_environment_and_turns()
    {
        var game = new Guess { Guesses = 2 };
        RewardRow row = new("", "4", [], [], true, 0, 1) { Environment = game };
        RewardFunction guesses = RewardFunction.FromEnvironment((Guess won) => -won.Guesses);
        Assert.AreEqual("Guess", guesses.Name);
        Assert.AreEqual(-2.0, Score(guesses, row));
        Assert.IsNull(Score(guesses, row with { Environment = new Lamps() }), "another environment");
        Assert.IsNull(Score(guesses, row with { Environment = null }), "none");
        Assert.AreEqual("assistant: 4", $"{row.Turns.Single().Role}: {row.Turns.Single().Text}");
    }

    [TestMethod]
    public void Columns_are_read_as_objects_and_can_be_given_in_tests()
    {
        var row = new EnvironmentRow("[]", 3, new Hidden { Secret = 5 });
        Assert.AreEqual(("[]", 3L, 5), (row.Prompt, row.Row, row.Columns<Hidden>().Secret));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(() => row.Columns<Row>()).Message, "The row was made without a Row");
    }

    [TestMethod]
    public void What_an_environment_does_wrong_is_told()
    {
        Wrong("ResetAsync of the environment Broken threw IOException for row 1: no board", () => new Broken { ResetFails = true });
        Wrong("StepAsync of the environment Broken threw IOException for row 1: no pieces", () => new Broken());
        Wrong("EnvironmentFactory threw IOException: closed", () => throw new IOException("closed"));
        Wrong("EnvironmentFactory gave null; it must make a new one", () => null!);
        var single = new Lamps();
        Wrong("EnvironmentFactory gave the same environment twice", () => single);
        Wrong("What the environment said in the beginning cannot follow the prompt of row 1: the prompt is 3", () => new Broken
        {
            Observation = new string('x', 300),
        });
        Wrong("The environment reads rows as Missing, which has a column 'Nowhere', but the data have none", () => new Broken
        {
            Reads = row => row.Columns<Missing>().Nowhere,
        });
    }

    [TestMethod]
    public void Two_functions_of_one_name_are_refused()
    {
        GrpoOptions options = Options(() => new Lamps()) with { Tools = [AIFunctionFactory.Create(() => 1, "light")] };
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new MultiTurnTools(options)).Message,
            "The functions of the options and of the environment has 2 functions with the name 'light'");
    }

    [TestMethod]
    public void Only_text_can_have_more_words()
    {
        Assert.AreEqual(
            """[{"role": "system", "content": "a"}, {"role": "user", "content": "bc", "mood": 1}]""",
            MessageList.Parse("""[{"role":"system","content":"a"},{"role":"user","content":"b","mood":1}]""").WithLastWords("c").ToJson());
        foreach (string messages in new[] { "[]", """[{"role":"user"}]""", """[{"role":"user","content":["a"]}]""" })
            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidDataException>(() => MessageList.Parse(messages).WithLastWords("c")).Message,
                "The last message has no text");
    }

    private static double? Score(RewardFunction reward, RewardRow row) =>
        reward.Bind(new RewardContext(new MLContext(1), null!, Tokenizer))([row], default).GetAwaiter().GetResult()[0];

    private static void Wrong(string message, Func<IEnvironment> factory)
    {
        var error = Assert.Throws<Exception>(() =>
        {
            using var script = new ToolScript(Options(factory), ["a</>", "b</>"]);
            script.Draw([1, 1]);
        });
        StringAssert.Contains(error.Message, message);
    }

    private static T Add<T>(List<T> made)
        where T : new()
    {
        made.Add(new T());
        return made[^1];
    }

    private static GrpoOptions Options(Func<IEnvironment> factory) => new GrpoOptions
    {
        Conversations = new(), EnvironmentFactory = factory, Generation = new() { MaxNewTokens = 200 },
    }.Validated();

    private sealed class Missing
    {
        public string Nowhere { get; set; } = "";
    }

    internal sealed class Guess : IEnvironment, IDisposable
    {
        private int _secret;

        public int Guesses { get; set; }

        public int Resets { get; private set; }

        public bool IsDisposed { get; private set; }

        public ValueTask<string?> ResetAsync(EnvironmentRow row, CancellationToken cancel)
        {
            (_secret, Guesses, Resets) = (row.Columns<Hidden>().Secret, 0, Resets + 1);
            return new("Guess!");
        }

        public ValueTask<string?> StepAsync(string text, CancellationToken cancel)
        {
            Guesses++;
            int guess = int.Parse(text, CultureInfo.InvariantCulture);
            return new(guess == _secret ? null : guess < _secret ? "higher" : "lower");
        }

        public void Dispose() => IsDisposed = true;
    }

    private sealed class Lamps : IEnvironment
    {
        private readonly AIFunction _light;

        public Lamps() => _light = AIFunctionFactory.Create((int count) => $"{Lit += count} lit", "light");

        public int Lit { get; private set; }

        public IReadOnlyList<AIFunction> Tools => [_light];

        public ValueTask<string?> ResetAsync(EnvironmentRow row, CancellationToken cancel)
        {
            Lit = 0;
            return default;
        }
    }

    private sealed class Broken : IEnvironment
    {
        public bool ResetFails { get; init; }

        public string? Observation { get; init; }

        public Func<EnvironmentRow, object>? Reads { get; init; }

        public ValueTask<string?> ResetAsync(EnvironmentRow row, CancellationToken cancel)
        {
            Reads?.Invoke(row);
            return ResetFails ? throw new IOException("no board") : new(Observation);
        }

        public ValueTask<string?> StepAsync(string text, CancellationToken cancel) => throw new IOException("no pieces");
    }
}
