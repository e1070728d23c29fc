using Microsoft.Extensions.AI;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static Microsoft.ML.Trl.Tests.Algorithms.Tools.ToolTalk;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Tools;

/// <summary>Learning from completions of several turns.</summary>
[TestClass]
public sealed class ToolTrainingTests
{
    private static readonly string Asks = Call("multiply", """{"a": 3, "b": 4}""") + "</>";

    private readonly MLContext _ml = new(1);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Only_what_the_policy_wrote_is_learnt(bool isPaddingFree)
    {
        GrpoOptions options = Plain(1) with { PaddingFree = isPaddingFree };
        using var script = new ToolScript(options, [Asks, "7</>", Asks, "9</>"], ["12</>", "1</>"]);
        StepReport report = Run(script, options, [1, 0, 0.5, 0.25]).Single();
        // the same step by hand: every token of the policy pulls with its completion's advantage, over the number of such tokens
        using LanguageModel model = NewModel();
        using DisposeScope scope = NewDisposeScope();
        string prompt = "<s>multiply </><u>3*4?</><a>";
        string[][] parts = [[Asks, "<t>12</><a>", "12</>"], ["7</>"], [Asks, "<t>12</><a>", "1</>"], ["9</>"]];
        double[] rewards = [1, 0, 0.5, 0.25];
        double mean = rewards.Average(), deviation = Math.Sqrt(rewards.Sum(reward => (reward - mean) * (reward - mean)) / 3);
        Tensor loss = zeros(1);
        long count = 0;
        foreach ((string[] turns, double reward) in parts.Zip(rewards))
        {
            Tensor ids = tensor([.. Ids(prompt + string.Concat(turns)).Select(id => (long)id)]);
            Tensor logs = model.Network.Logits(model.Network.Hidden(ids.unsqueeze(0)))[0].log_softmax(-1);
            int at = Ids(prompt).Length;
            for (int turn = 0; turn < turns.Length; at += Ids(turns[turn++]).Length)
                for (int token = 0; turn % 2 == 0 && token < Ids(turns[turn]).Length; token++, count++)
                    loss -= (reward - mean) / (deviation + 1e-4) * logs[at + token - 1, ids[at + token].item<long>()];
        }
        (loss / count).backward();
        using (no_grad())
            foreach (TorchSharp.Modules.Parameter weight in model.Network.parameters())
                weight.sub_(0.1 * weight.grad!);
        Close.Absolute(Toys.Flat(model.Network.Weights()), Toys.Flat(script.Model.Network.Weights()), 2e-6, "weights");
        Assert.AreEqual((0.5, 0.0), (report["tools/call_frequency"], report["tools/failure_frequency"]));
        int[] lengths = [.. parts.Select(turns => Ids(string.Concat(turns.Where((_, turn) => turn % 2 == 0))).Length)];
        Assert.AreEqual((count / 4.0, (double)lengths.Max()), (report["completions/mean_length"], report["completions/max_length"]));
        Assert.AreEqual((4 * Ids(prompt).Length) + count, report.Tokens);
        Assert.AreEqual(0, report["completions/clipped_ratio"]);
    }

    [TestMethod]
    public void Results_of_functions_have_no_part_in_any_loss()
    {
        foreach (GrpoLossType type in Enum.GetValues<GrpoLossType>())
        {
            GrpoOptions options = Plain(2) with
            {
                LossType = type, NumIterations = 2, Beta = 0.1, EpsilonHigh = type == GrpoLossType.Cispo ? 5 : null,
                ImportanceSamplingLevel = type == GrpoLossType.Luspo ? ImportanceSamplingLevel.Sequence : ImportanceSamplingLevel.Token,
            };
            using var script = new ToolScript(options, [Asks, "7</>", Asks, "9</>"], ["12</>", "1</>"]);
            List<StepReport> reports = Run(script, options, [1, 0, 0.5, 0.25]);
            Close.Absolute(0, reports[0]["kl"], 1e-6, $"{type}: KL of the policy to itself");
            Close.Above(0, Math.Abs(reports[1]["kl"]), $"{type}: after a step");
        }
    }

    [TestMethod]
    public void A_completion_that_was_cut_in_a_later_turn_is_left_out_where_such_are()
    {
        int most = Ids(Asks).Length + Ids("<t>12</><a>").Length + 2;
        GrpoOptions options = Plain(1) with { MaskTruncatedCompletions = true, Generation = new() { MaxNewTokens = most } };
        using var script = new ToolScript(options, [Asks, Asks, Asks, Asks], ["12</>", "12</>", "12</>", "12</>"]);
        float[] before = Toys.Flat(script.Model.Network.Weights());
        StepReport report = Run(script, options, [1, 0, 0.5, 0.25]).Single();
        Assert.AreEqual(1, report["completions/clipped_ratio"]);
        CollectionAssert.AreEqual(before, Toys.Flat(script.Model.Network.Weights()));
    }

    [TestMethod]
    public void No_tensor_outlives_a_run() => Leaks.None(() =>
    {
        GrpoOptions options = Plain(2) with { NumIterations = 2, Beta = 0.1 };
        using var script = new ToolScript(options, [Asks, "7</>", Asks, "9</>"], ["12</>", "1</>"]);
        Run(script, options, [1, 0, 0.5, 0.25]);
    });

    [TestMethod]
    public void Calling_a_function_is_learnt()
    {
        int calls = 0;
        GrpoOptions options = Sampled(30) with
        {
            Tools = [AIFunctionFactory.Create(() => ++calls > 0 ? "on" : "off", "lamp")],
            Generation = new() { MaxNewTokens = 16, StopStrings = ["{}}"] }, // a turn ends with its call
        };
        RewardFunction called = RewardFunction.Of(row => row.Turns.Any(turn => turn.Role == ChatRole.Tool) ? 1 : 0);
        using TextGenerationTransformer fitted = _ml.Trl().Grpo(Source(), [called], options).Fit(Data);
        double before = fitted.Reports.Take(3).Average(report => report["reward"]);
        double after = fitted.Reports.TakeLast(3).Average(report => report["reward"]);
        Close.Above(before + 0.5, after, "share of completions in which the lamp was lit");
        Close.Above(0.5, fitted.Reports[^1]["tools/call_frequency"], "calls");
        Assert.AreEqual(0, fitted.Reports[^1]["tools/failure_frequency"]);
        Assert.IsGreaterThan(100, calls);
        StringAssert.Contains(string.Concat(fitted.Reports.SelectMany(report => report.Completions).Select(one => one.Completion)), "on");
    }

    [TestMethod]
    public void An_environment_is_a_reward_of_RLOO_too()
    {
        RlooOptions options = Sampled(new RlooOptions(), 25) with { EnvironmentFactory = () => new Ending() };
        using TextGenerationTransformer fitted = _ml.Trl().Rloo(
            Source(), [RewardFunction.FromEnvironment((Ending ending) => ending.Steps)], options).Fit(Data);
        Assert.IsTrue(fitted.Reports[0].Metrics.ContainsKey("rewards/Ending/mean"));
        Close.Above(fitted.Reports.Take(3).Average(report => report["reward"]) + 0.3,
            fitted.Reports.TakeLast(3).Average(report => report["reward"]), "turns of the game");
    }

    [TestMethod]
    public void Two_runs_with_one_seed_give_equal_weights()
    {
        GrpoOptions options = Sampled(3) with { Tools = [AIFunctionFactory.Create(() => "on", "lamp")] };
        RewardFunction shorter = RewardFunction.Of((_, completion) => -completion.Length);
        using TextGenerationTransformer first = _ml.Trl().Grpo(Source(), [shorter], options).Fit(Data);
        using TextGenerationTransformer second = _ml.Trl().Grpo(Source(), [shorter], options).Fit(Data);
        CollectionAssert.AreEqual(Toys.Flat(first.Model.Network.Weights()), Toys.Flat(second.Model.Network.Weights()));
    }

    [TestMethod]
    public void Cancelling_in_a_function_hands_out_what_was_reached()
    {
        using var cancel = new CancellationTokenSource();
        var progress = new Collected();
        AIFunction lamp = AIFunctionFactory.Create(
            () =>
            {
                if (progress.Reports.Count > 0)
                    cancel.Cancel();
                return "on";
            },
            "lamp");
        GrpoTrainer stage = _ml.Trl().Grpo(
            Source(), [RewardFunction.Of((_, _) => 1)], Sampled(200) with { Tools = [lamp] }, null, null, progress, cancel.Token);
        var stop = Assert.ThrowsExactly<TrainingCanceledException>(() => stage.Fit(Data));
        ((IDisposable)stop.Model!).Dispose();
    }

    [TestMethod]
    public void Options_are_checked()
    {
        AIFunction lamp = AIFunctionFactory.Create(() => "on", "lamp");
        void Fails(string message, GrpoOptions options) =>
            StringAssert.StartsWith(Assert.Throws<ArgumentException>(() => options.Validated()).Message, message);
        Fails("Tools needs prompts that are conversations", new GrpoOptions { Tools = [lamp] });
        Fails("EnvironmentFactory needs prompts that are conversations", new GrpoOptions { EnvironmentFactory = () => new Ending() });
        Fails("MaxToolCallingIterations (0) must be 1 or greater.", Sampled(1) with { MaxToolCallingIterations = 0 });
        Fails("Tools[1] is null; leave it out", Sampled(1) with { Tools = [lamp, null!] });
        Fails("Tools has 2 functions with the name 'lamp'", Sampled(1) with { Tools = [lamp, lamp] });
        string unused = string.Join(';', new GrpoOptions { MaxToolCallingIterations = 3 }.Validated().WithoutEffect());
        StringAssert.Contains(unused, "MaxToolCallingIterations without Tools and EnvironmentFactory");
        GrpoOptions plain = Sampled(1) with { MaxToolCallingIterations = 3 };
        string json = System.Text.Json.JsonSerializer.Serialize(plain with { Tools = [lamp], EnvironmentFactory = () => new Ending() });
        Assert.AreEqual(System.Text.Json.JsonSerializer.Serialize(plain), json, "functions are no part of the JSON");
        Assert.AreEqual(3, System.Text.Json.JsonSerializer.Deserialize<GrpoOptions>(json)!.MaxToolCallingIterations);
    }

    private IDataView Data => _ml.Data.LoadFromEnumerable(Rows);

    private static List<StepReport> Run(ToolScript script, GrpoOptions options, double[] rewards)
    {
        IReadOnlyList<int[]> Next(IReadOnlyList<int[]> texts, CancellationToken cancel) => script.Sample(texts, [], 0, cancel);
        var work = new GroupWork([script.Prompts[0].Prompt.Ids], new Given(rewards), [1], Next) { Rollout = script.Rollout };
        return Loops.Grpo(script.Model.Network, null, options, work);
    }

    private static GrpoOptions Plain(int steps) => Sampled(steps) with
    {
        Tools = [ToolRolloutTests.Multiplication],
        LearningRate = 0.1,
        Optim = OptimizerKind.Sgd,
        MaxGradNorm = 0,
        PerDeviceTrainBatchSize = 4,
        NumGenerations = 4,
        Generation = new() { MaxNewTokens = 200 },
    };

    private static GrpoOptions Sampled(int steps) => Sampled(new GrpoOptions(), steps);

    private static T Sampled<T>(T options, int steps)
        where T : GroupOptions => options with
    {
        Conversations = new(),
        MaxSteps = steps,
        LearningRate = 2e-2,
        PerDeviceTrainBatchSize = 64,
        NumGenerations = 32,
        LoggingSteps = 1,
        LrSchedulerType = LrSchedulerType.Constant,
        Generation = new() { MaxNewTokens = 16 },
    };

    private sealed class Given(double[] rewards) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) => new(["given"], [[.. rewards.Select(r => (double?)r)]]);
    }

    /// <summary>Answers as long as the assistant ends its turns.</summary>
    private sealed class Ending : IEnvironment
    {
        public int Steps { get; private set; }

        public ValueTask<string?> ResetAsync(EnvironmentRow row, CancellationToken cancel)
        {
            Steps = 0;
            return default;
        }

        public ValueTask<string?> StepAsync(string text, CancellationToken cancel)
        {
            Steps += text.Length < 8 ? 1 : 0;
            return new(Steps < 3 ? "k" : null);
        }
    }
}
