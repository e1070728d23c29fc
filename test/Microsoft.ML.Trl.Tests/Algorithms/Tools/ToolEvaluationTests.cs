using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.Algorithms.Tools.ToolTalk;

namespace Microsoft.ML.Trl.Tests.Algorithms.Tools;

/// <summary>Evaluations of methods whose completions have several turns: functions are called and environments answer there too.</summary>
[TestClass]
public sealed class ToolEvaluationTests
{
    private const int HeldOutSecret = 99;

    private static readonly string Asks = Call("multiply", """{"a": 3, "b": 4}""") + "</>";

    private static readonly string Fails = Call("divide", "{}") + "</>";

    private readonly MLContext _ml = new(1);

    private IDataView Data => _ml.Data.LoadFromEnumerable(Rows);

    private IDataView HeldOut => _ml.Data.LoadFromEnumerable(
        new[] { "1*1?", "2*2?", "9*9?" }.Select(text => new Row { Prompt = Ask(text), Secret = HeldOutSecret }));

    [TestMethod]
    public void Figures_of_scripted_turns_are_those_worked_by_hand()
    {
        GrpoOptions options = Sampled(new GrpoOptions()) with
        {
            Tools = [ToolRolloutTests.Multiplication], Generation = new() { MaxNewTokens = 200 },
        };
        // both prompts in one pass of an evaluation, then each in its own: 3, 1 and 5, 1 messages
        using var script = new ToolScript(
            options, [Asks, "7</>"], ["12</>"], [Fails], [Asks], ["1</>"], ["9</>"]);
        var held = new ScoredPrompts([.. script.Prompts.Select(prompt => prompt.Prompt.Ids)], new Messages(), [2])
        {
            Rollout = new Scripted(script),
        };
        var answers = new HeldOutAnswers(script.Model.Network, held, new AnswerPlan(options.Generation, 1, 1), default);
        Dictionary<string, double> Measured(params int[][] passes)
        {
            var meter = new FigureMeter();
            foreach (int[] pass in passes)
                answers.Measured().Pass(pass, meter);
            return meter.Result();
        }
        Dictionary<string, double> whole = Measured([0, 1]), parts = Measured([0], [1]);
        Close.Absolute([4, 2, 0.5, 0], Numbers(whole), 1e-6);
        Close.Absolute([6, 3, 1, 0.5], Numbers(parts), 1e-6);
        CollectionAssert.AreEqual(new[] { 0, 1 }, script.Places[0]);
        CollectionAssert.AreEqual(new[] { 0 }, script.Places[1]);

        static double[] Numbers(Dictionary<string, double> figures) =>
            [figures["reward"], figures["rewards/messages/mean"], figures["tools/call_frequency"], figures["tools/failure_frequency"]];
    }

    [TestMethod]
    [DataRow("Grpo")]
    [DataRow("Rloo")]
    [DataRow("MiniLlm")]
    public void Functions_are_called_in_evaluations_which_change_nothing(string method)
    {
        List<(bool IsHeldOut, int Calls)> asked = [];
        RewardFunction called = RewardFunction.Of<Hidden>((row, answer) =>
        {
            int calls = answer.Turns.SelectMany(turn => turn.Contents).OfType<FunctionCallContent>().Count();
            asked.Add((row.Secret == HeldOutSecret, calls));
            return calls + (answer.Completion.Length / 100.0);
        });
        GroupOptions options = Options(method) with
        {
            Tools = [AIFunctionFactory.Create(() => "on", "lamp")], Generation = new() { MaxNewTokens = 24, StopStrings = ["{}}"] },
        };
        using TextGenerationTransformer plain = Fit(options, called);
        asked.Clear();
        GroupOptions watched = Watched(options);
        using TextGenerationTransformer fitted = Fit(watched, called);
        CollectionAssert.AreEqual(Weights(plain), Weights(fitted));
        int[] calls = [.. asked.Where(one => one.IsHeldOut).Select(one => one.Calls)];
        StepReport[] evaluations = [.. fitted.Reports.Where(report => report.Metrics.ContainsKey("eval_reward"))];
        Assert.HasCount(4, evaluations);
        Assert.HasCount(4 * 3 * 4, calls, "evaluations, prompts, answers");
        Assert.IsGreaterThan(0, calls.Sum());
        foreach ((StepReport evaluation, int[] ofIt) in evaluations.Zip(calls.Chunk(12)))
            Close.Absolute(ofIt.Average(), evaluation["eval_tools/call_frequency"], 1e-6, "calls");
        using TextGenerationTransformer small = Fit(watched with { PerDeviceEvalBatchSize = 1 }, called);
        CollectionAssert.AreEqual(
            evaluations.Select(report => Math.Round(report["eval_reward"], 6)).ToArray(),
            small.Reports.Where(report => report.Metrics.ContainsKey("eval_reward")).Select(
                report => Math.Round(report["eval_reward"], 6)).ToArray());
    }

    [TestMethod]
    [DataRow("Grpo")]
    [DataRow("Rloo")]
    public void Evaluations_have_environments_of_their_own(string method)
    {
        List<Diary> made = [];
        GroupOptions options = Options(method) with { EnvironmentFactory = () =>
        {
            made.Add(new Diary());
            return made[^1];
        } };
        RewardFunction lines = RewardFunction.FromEnvironment((Diary diary) => diary.Lines);
        using TextGenerationTransformer plain = Fit(options, lines);
        int before = made.Count;
        using TextGenerationTransformer fitted = Fit(Watched(options), lines);
        CollectionAssert.AreEqual(Weights(plain), Weights(fitted));
        Diary[] used = [.. made.Skip(before)];
        Assert.IsTrue(used.All(diary => diary.Secrets.Count == 1), "no environment is in training and in evaluations");
        Assert.HasCount(12, used.Where(diary => diary.Secrets.Contains(HeldOutSecret) || diary.Secrets.Count == 0).ToArray());
        Assert.IsTrue(used.All(diary => diary.IsDisposed));
        Close.Above(0.99, fitted.Reports[0]["eval_rewards/Diary/mean"], "each answer is a line");
        Assert.AreEqual(fitted.Reports[0]["eval_reward"], fitted.Reports[0]["eval_rewards/Diary/mean"]);
    }

    private TextGenerationTransformer Fit(GroupOptions options, RewardFunction reward) => options switch
    {
        GrpoOptions grpo => _ml.Trl().Grpo(Source(), [reward], grpo).Fit(Data),
        RlooOptions rloo => _ml.Trl().Rloo(Source(), [reward], rloo).Fit(Data),
        _ => _ml.Trl().MiniLlm(Source(), Source(), [reward], (MiniLlmOptions)options).Fit(Data),
    };

    private GroupOptions Watched(GroupOptions options) => options with
    {
        EvalStrategy = EvalStrategy.Steps, EvalSteps = 1, EvalOnStart = true, EvaluationData = HeldOut, NumGenerationsEval = 4,
    };

    private static GroupOptions Options(string method) => method switch
    {
        "Grpo" => Sampled(new GrpoOptions()),
        "Rloo" => Sampled(new RlooOptions()),
        _ => Sampled(new MiniLlmOptions()),
    };

    private static T Sampled<T>(T options)
        where T : GroupOptions => options with
    {
        Conversations = new(), MaxSteps = 3, LearningRate = 2e-2, PerDeviceTrainBatchSize = 8, NumGenerations = 4, LoggingSteps = 1,
        Generation = new() { MaxNewTokens = 16 },
    };

    private static float[] Weights(TextGenerationTransformer stage) => Toys.Flat(stage.Model.Network.Weights());

    /// <summary>How many messages an answer has.</summary>
    private sealed class Messages : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) =>
            new(["messages"], [[.. rollout.Turns!.Select(turns => (double?)turns!.Messages.Count)]]);
    }

    /// <summary>Functions and template as they are, but what the policy says is written down.</summary>
    private sealed class Scripted(ToolScript script) : IRollout
    {
        public RolloutDraw Draw(RolloutTask task, TurnSampling sample, CancellationToken cancel) =>
            script.Rollout.Draw(task, script.Sample, cancel);
    }

    private sealed class Diary : IEnvironment, IDisposable
    {
        public HashSet<int> Secrets { get; } = [];

        public int Lines { get; private set; }

        public bool IsDisposed { get; private set; }

        public ValueTask<string?> ResetAsync(EnvironmentRow row, CancellationToken cancel)
        {
            int secret = row.Columns<Hidden>().Secret;
            Secrets.Add(secret == HeldOutSecret ? secret : 0);
            Lines = 0;
            return default;
        }

        public ValueTask<string?> StepAsync(string text, CancellationToken cancel)
        {
            Lines++;
            return new(Lines < 2 ? "k" : null);
        }

        public void Dispose() => IsDisposed = true;
    }
}
