using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>What must hold of any run of the methods that learn from preferences, whatever the numbers.</summary>
[TestClass]
public sealed class PreferenceRuleTests
{
    private const int End = 0; // also the id that rows are padded with

    /// <summary>Trains a policy on pairs; methods of single completions take both sides.</summary>
    private static readonly Dictionary<string, Training> Methods = new()
    {
        ["orpo"] = (policy, run, pairs) => Loops.Orpo(policy, run.Of(new OrpoOptions()), pairs),
        ["cpo"] = (policy, run, pairs) => Loops.Cpo(policy, run.Of(new CpoOptions()), pairs),
        ["simpo"] = (policy, run, pairs) => Loops.Cpo(policy, run.Of(
            new CpoOptions { LossType = CpoLossType.Simpo, Beta = 2, CpoAlpha = 0 }), pairs),
        ["alphapo"] = (policy, run, pairs) => Loops.Cpo(policy, run.Of(
            new CpoOptions { LossType = CpoLossType.Simpo, Beta = 2, CpoAlpha = 0, Alpha = 0.1 }), pairs),
        ["kto"] = (policy, run, pairs) => Loops.Kto(policy, null, run.Of(new KtoOptions()), Both(pairs)),
        ["apo"] = (policy, run, pairs) => Loops.Kto(
            policy, null, run.Of(new KtoOptions { LossType = KtoLossType.ApoZeroUnpaired }), Both(pairs)),
        ["bco"] = (policy, run, pairs) => Loops.Bco(policy, null, run.Of(new BcoOptions()), Both(pairs)),
    };

    public static IEnumerable<object[]> All => Methods.Keys.Select(method => new object[] { method });

    [TestMethod]
    [DataRow("orpo", 3)]
    [DataRow("cpo", 3)]
    [DataRow("simpo", 3)]
    [DataRow("alphapo", 3)]
    [DataRow("apo", 3)]
    [DataRow("kto", 1)] // from the second step on, the KL is that of each forward pass, as in TRL
    [DataRow("bco", 1)] // and so is the mean of the rewards
    public void One_batch_of_8_and_accumulation_of_smaller_ones_give_the_same_weights(string method, int steps)
    {
        // plain descent: Adam would blow the rounding noise of the key biases, whose true gradient is 0, up to whole steps
        var run = new Settings { Steps = steps, LearningRate = 0.05, Optim = OptimizerKind.Sgd };
        List<PreferenceExample> pairs = Pairs(8);
        float[] whole = Train(method, run with { BatchSize = 8 }, pairs).Weights;
        foreach ((int size, int accumulate) in new[] { (4, 2), (2, 4), (1, 8), (3, 3) })
            if (method != "kto" || size > 1) // which is refused
                Close.Absolute(whole, Train(method, run with { BatchSize = size, Accumulate = accumulate }, pairs).Weights, 1e-6, method);
    }

    [TestMethod]
    [DataRow("kto", 0.5)]
    [DataRow("apo", 0.5)]
    [DataRow("bco", 0.6931472)]
    public void At_step_0_with_policy_equal_to_reference_rewards_are_0(string method, double loss)
    {
        StepReport first = Train(method, new Settings { Steps = 1 }, Pairs(16)).Reports[0];
        Close.Absolute(loss, first["loss"], 1e-6);
        foreach (string name in new[] { "rewards/chosen", "rewards/rejected", "rewards/margins", method == "bco" ? "delta" : "kl" })
            if (first.Metrics.TryGetValue(name, out double value))
                Close.Absolute(0, value, 1e-6, name);
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void Training_raises_the_margin_and_lowers_the_loss(string method)
    {
        var run = new Settings { Steps = 40, LearningRate = 1e-2, Shuffled = true };
        List<StepReport> reports = Train(method, run, Pairs(8)).Reports;
        double[] margins = [.. reports.Select(report => report["rewards/margins"]).Where(double.IsFinite)];
        Close.Above(margins[0] + 0.2, margins[^1], $"{method} margin");
        Close.Below(reports[0]["loss"] - 0.1, reports[^1]["loss"], $"{method} loss");
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void The_end_of_an_answer_is_learned_even_where_it_is_the_padding_id(string method)
    {
        PreferenceExample[] pairs =
            [new([7], [8, 9, End], [8, 9, 9, 9]), new([11], [12, End], [12, 12, 12]), new([13], [8, 8, End], [8, 8, 12])];
        using CausalLanguageModel policy = Toys.Gpt2();
        double before = EndProbability(policy, pairs);
        Methods[method](policy, new Settings { Steps = 60, LearningRate = 1e-2, BatchSize = 3, Shuffled = true }, [.. pairs]);
        Close.Above(before + 0.1, EndProbability(policy, pairs), $"{method} end");
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void Same_seed_same_weights_other_seed_other_weights(string method)
    {
        var run = new Settings { Steps = 3, Shuffled = true };
        float[] first = Train(method, run, Pairs(16)).Weights;
        CollectionAssert.AreEqual(first, Train(method, run, Pairs(16)).Weights);
        CollectionAssert.AreNotEqual(first, Train(method, run with { Seed = 43 }, Pairs(16)).Weights);
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void No_tensor_outlives_a_run(string method) =>
        Leaks.None(() => Train(method, new Settings { Steps = 2, Accumulate = 2, BatchSize = 3 }, Pairs(8)));

    [TestMethod]
    public void A_precomputed_reference_a_given_one_and_a_copy_train_alike()
    {
        float[] Weights(CausalLanguageModel? reference, bool before)
        {
            using CausalLanguageModel policy = Toys.Gpt2();
            Loops.Kto(policy, reference, new Settings { Shuffled = true }.Of(
                new KtoOptions { PrecomputeRefLogProbs = before, PrecomputeRefBatchSize = before ? 3 : null }), Both(Pairs(8)));
            return Toys.Flat(policy.Weights());
        }
        using CausalLanguageModel given = Toys.Gpt2();
        float[] copy = Weights(null, false);
        Close.Absolute(copy, Weights(given, false), 1e-6);
        Close.Absolute(copy, Weights(null, true), 1e-5);
    }

    [TestMethod]
    public void An_example_alone_in_its_batch_gets_the_completion_before_it()
    {
        UnpairedExample[] examples = [.. Enumerable.Range(0, 5).Select(row => new UnpairedExample([1], [row, row], true))];
        int[] first = [.. UnpairedBatch.Mismatch(examples, 2).Select(other => other[0])];
        CollectionAssert.AreEqual(new[] { 1, 0, 3, 2, 3 }, first);
    }

    [TestMethod]
    public void Pairs_are_unpaired_in_the_order_of_TRL()
    {
        List<UnpairedExample> all = UnpairedReader.Unpaired([new([1], [2], [3]), new([4], [5], [6])]);
        CollectionAssert.AreEqual(new[] { 2, 5, 3, 6 }, all.Select(example => example.Completion[0]).ToArray());
        CollectionAssert.AreEqual(new[] { 1, 4, 1, 4 }, all.Select(example => example.Prompt[0]).ToArray());
        CollectionAssert.AreEqual(new[] { true, true, false, false }, all.Select(example => example.IsDesirable).ToArray());
    }

    [TestMethod]
    public void The_mean_log_probability_of_an_answer_leaves_out_its_prompt()
    {
        using var scope = NewDisposeScope();
        List<PreferenceExample> pairs = Pairs(3);
        using var plain = new PairBatch(pairs, [0, 1, 2], new PairLayout(), rows => TokenBatch.Of(rows));
        using var whole = new PairBatch(pairs, [0, 1, 2], new PairLayout(WithPromptOfChosen: true), rows => TokenBatch.Of(rows));
        Tensor answers = arange(plain.Tokens.Targets, dtype: ScalarType.Float32);
        float[] values = answers.data<float>().ToArray();
        var all = new List<float>(); // the same numbers behind those of the prompts
        int next = 0;
        for (int row = 0; row < 6; row++)
        {
            all.AddRange(Enumerable.Repeat(1e6f, whole.Tokens.TargetCounts[row] - plain.Tokens.TargetCounts[row]));
            all.AddRange(values.AsSpan(next, plain.Tokens.TargetCounts[row]));
            next += plain.Tokens.TargetCounts[row];
        }
        Tensor perLabel = tensor(all.ToArray());
        Assert.IsGreaterThan(plain.ChosenTargets, whole.ChosenTargets);
        Close.Absolute(plain.Mean(answers).Chosen, whole.Mean(perLabel).Chosen, 1e-5);
        Close.Absolute(plain.Mean(answers).Rejected, whole.Mean(perLabel).Rejected, 1e-5);
        Close.Absolute(plain.Sum(answers).Chosen, whole.Sum(perLabel).Chosen, 1e-4);
        Close.Absolute(plain.MeanOverTokens(answers).Chosen, whole.MeanOverTokens(perLabel).Chosen, 1e-4);
    }

    [TestMethod]
    public void A_batch_that_is_too_small_to_compare_is_refused()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        string message = Assert.ThrowsExactly<ArgumentException>(
            () => Loops.Kto(policy, null, new KtoOptions(), [new UnpairedExample([1], [2], true)])).Message;
        Assert.Contains("There is one completion", message);
        Assert.Contains("give at least two rows", message);
        message = Assert.ThrowsExactly<ArgumentException>(
            () => Loops.Bco(policy, null, new BcoOptions(), [new([1], [2], true), new([1], [], false)])).Message;
        Assert.Contains("Row 1: the completion is empty", message);
    }

    /// <summary>Mean probability of the end token where the chosen answers have it.</summary>
    private static double EndProbability(CausalLanguageModel policy, PreferenceExample[] pairs)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        TokenExample End(int[] text) => new(text, text.Length - 1);
        using var batch = new AnswerBatch(TokenBatch.Of([.. pairs.Select(pair => End(pair.PromptAndChosen()))]), [0, 1, 2]);
        return AnswerPass.Score(policy, batch).exp().mean().item<float>();
    }

    private static (List<StepReport> Reports, float[] Weights) Train(string method, Settings run, List<PreferenceExample> pairs)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        List<StepReport> reports = Methods[method](policy, run, pairs);
        return (reports, Toys.Flat(policy.Weights()));
    }

    private static List<UnpairedExample> Both(List<PreferenceExample> pairs) =>
    [
        .. pairs.Select((pair, row) => new UnpairedExample(pair.Prompt, row % 2 == 0 ? pair.Chosen : pair.Rejected, row % 2 == 0)),
    ];

    private static List<PreferenceExample> Pairs(int count)
    {
        int[][] prompts = Toys.Rows(3, count, 2, 6), chosen = Toys.Rows(4, count, 1, 8), rejected = Toys.Rows(5, count, 1, 8);
        return [.. Enumerable.Range(0, count).Select(i => new PreferenceExample(prompts[i], chosen[i], [.. rejected[i], 39]))];
    }

    private delegate List<StepReport> Training(CausalLanguageModel policy, Settings run, List<PreferenceExample> pairs);

    private sealed record Settings
    {
        public int BatchSize { get; init; } = 4;

        public int Accumulate { get; init; } = 1;

        public int Steps { get; init; } = 3;

        public double LearningRate { get; init; } = 1e-3;

        public OptimizerKind Optim { get; init; } = OptimizerKind.AdamW;

        public bool Shuffled { get; init; }

        public int Seed { get; init; } = 42;

        public T Of<T>(T options) where T : EpochOptions => options with
        {
            PerDeviceTrainBatchSize = BatchSize,
            GradientAccumulationSteps = Accumulate,
            MaxSteps = Steps,
            LearningRate = LearningRate,
            Optim = Optim,
            Seed = Seed,
            LoggingSteps = 1,
            LrSchedulerType = LrSchedulerType.Constant,
            TrainSamplingStrategy = Shuffled ? TrainSamplingStrategy.Random : TrainSamplingStrategy.Sequential,
        };
    }
}
