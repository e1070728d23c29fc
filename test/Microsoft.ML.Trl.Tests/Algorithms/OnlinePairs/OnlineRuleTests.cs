using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs.OnlineRuns;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.OnlinePairs;

/// <summary>What must hold of any run of the methods that compare answers of the policy.</summary>
[TestClass]
public sealed class OnlineRuleTests
{
    private static readonly Settings Descent = new() { Optim = OptimizerKind.Sgd, LearningRate = 0.05 };

    public static IEnumerable<object[]> All => Methods.Select(method => new object[] { method });

    [TestMethod]
    [DynamicData(nameof(All))]
    public void At_step_0_with_policy_equal_to_reference_nothing_is_preferred(string method)
    {
        StepReport first = Run(method, new Settings { Steps = 1 }, MoreWanted).Reports[0];
        foreach (string name in new[] { "rewards/margins", method == "NashMd" ? "loss/kl" : "objective/kl" })
            Close.Absolute(0, first[name], 1e-5, name);
        if (method == "OnlineDpo")
            Close.Absolute(Math.Log(2), first["loss"], 1e-6);
        if (method == "Xpo")
        {
            Close.Absolute(Math.Log(2), first["loss/dpo"], 1e-6);
            Close.Absolute(first["loss/dpo"] + first["loss/xpo"], first["loss"], 1e-6);
        }
        if (method == "NashMd")
            Close.Absolute(-first["loss/score"], first["loss"], 1e-5);
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void One_batch_of_8_and_accumulation_of_smaller_ones_give_the_same_weights(string method)
    {
        Settings run = Descent with { Steps = 2 };
        float[] whole = Run(method, run with { BatchSize = 8 }, WantedScores).Weights;
        foreach ((int size, int accumulate) in new[] { (4, 2), (1, 8), (3, 3) })
            Close.Absolute(whole, Run(method, run with { BatchSize = size, Accumulate = accumulate }, WantedScores).Weights, 2e-6, method);
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void Same_seed_same_weights_other_seed_other_weights(string method)
    {
        float[] first = Run(method, new Settings(), MoreWanted).Weights;
        CollectionAssert.AreEqual(first, Run(method, new Settings(), MoreWanted).Weights);
        CollectionAssert.AreNotEqual(first, Run(method, new Settings { Seed = 43 }, MoreWanted).Weights);
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void No_tensor_outlives_a_run(string method) =>
        Leaks.None(() => Run(method, new Settings { Steps = 2, Accumulate = 2, BatchSize = 3 }, MoreWanted));

    [TestMethod]
    [DynamicData(nameof(All))]
    public void Answers_become_better(string method)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        double before = MeanWanted(policy);
        var run = new Settings { Steps = 80, BatchSize = 16, LearningRate = 3e-3, Prompts = Toys.Rows(5, 16, 2, 4) };
        List<StepReport> reports = Run(method, policy, run, WantedScores);
        double after = MeanWanted(policy);
        Close.Above(before + 0.7, after, $"{method} wanted tokens per answer, from {before}");
        string scores = method switch { "Xpo" => "objective/model_scores", "NashMd" => "rewards/chosen", _ => "objective/scores" };
        Close.Above(
            reports.Take(5).Average(report => report[scores]) + 0.5, reports.TakeLast(5).Average(report => report[scores]), scores);
    }

    [TestMethod]
    [DynamicData(nameof(All))]
    public void The_end_of_an_answer_is_learned_although_it_is_the_padding_id(string method)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        var ended = new FakeJudge((first, second) => (first[^1] == End, second[^1] == End) switch
        {
            (true, false) => 1,
            (false, true) => 0,
            _ => null,
        });
        GenerationOptions likely = Short with { MaxNewTokens = 12 };
        var run = new Settings { Steps = 40, BatchSize = 16, LearningRate = 3e-3, Generation = likely, Prompts = Toys.Rows(5, 16, 2, 4) };
        List<StepReport> reports = Run(method, policy, run, ended);
        string share = method == "OnlineDpo" ? "val/contain_eos_token" : "val/model_contain_eos_token";
        Close.Above(
            reports.Take(5).Average(report => report[share]) + 0.2, reports.TakeLast(5).Average(report => report[share]), share);
    }

    [TestMethod]
    public void A_step_of_online_DPO_is_a_step_of_DPO_on_its_answers_and_undecided_pairs_are_left_out()
    {
        int calls = 0;
        var judge = new FakeJudge((first, second) => calls++ == 1 || first.AsSpan().SequenceEqual(second) ? null
            : first.Sum() > second.Sum() ? 1 : 0);
        (List<StepReport> reports, float[] weights) = Run("OnlineDpo", Descent with { Steps = 1, BatchSize = 8 }, judge);
        (RolloutTexts first, RolloutTexts second) = judge.Seen.Single();
        PreferenceExample[] pairs = [.. Enumerable.Range(0, 8).Where(row => row != 1).Select(row =>
        {
            (int[] one, int[] other) = (first.Responses[row], second.Responses[row]);
            return one.Sum() > other.Sum()
                ? new PreferenceExample(first.Queries[row], one, other) : new PreferenceExample(first.Queries[row], other, one);
        })];
        using CausalLanguageModel policy = Toys.Gpt2();
        var dpo = new DpoOptions
        {
            MaxSteps = 1, PerDeviceTrainBatchSize = 7, LearningRate = 0.05, Optim = OptimizerKind.Sgd, LoggingSteps = 1,
            LrSchedulerType = LrSchedulerType.Constant, TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
        };
        StepReport theirs = Loops.Dpo(policy, null, dpo, pairs)[0];
        Close.Absolute(Toys.Flat(policy.Weights()), weights, 1e-6, "weights");
        foreach (string name in new[] { "loss", "grad_norm", "logps/chosen", "logps/rejected", "rewards/margins" })
            Close.Relative(theirs[name] + 1, reports[0][name] + 1, 1e-5, name);
        Close.Absolute(1.0 / 8, reports[0]["val/undecided"], 1e-9);
    }

    [TestMethod]
    public void Where_no_pair_is_decided_nothing_is_learnt_and_a_warning_says_so()
    {
        var warnings = new List<string>();
        using CausalLanguageModel policy = Toys.Gpt2();
        float[] before = Toys.Flat(policy.Weights());
        var nothing = new FakeJudge((_, _) => null);
        StepReport report = Run("OnlineDpo", policy, Descent with { Steps = 1 }, nothing, hooks: new(Warn: warnings.Add))[0];
        CollectionAssert.AreEqual(before, Toys.Flat(policy.Weights()));
        Assert.HasCount(1, warnings);
        StringAssert.Contains(warnings[0], "Step 1: the judge decided none of 4 pairs; nothing was learnt from them.");
        Close.Absolute(1, report["val/undecided"], 0);
        Close.Absolute(0, report["loss"], 0);
    }

    [TestMethod]
    public void The_second_answers_of_XPO_are_those_of_the_reference()
    {
        using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2(seed: 2);
        GenerationOptions greedy = Short with { DoSample = false };
        var judge = new FakeJudge((_, _) => 1);
        Run("Xpo", policy, new Settings { Steps = 1, Generation = greedy }, judge, reference);
        (RolloutTexts first, RolloutTexts second) = judge.Seen.Single();
        using CausalLanguageModel fresh = Toys.Gpt2();
        Same(new TokenGenerator(fresh).Generate(first.Queries, greedy).Tokens, first.Responses);
        Same(new TokenGenerator(reference).Generate(first.Queries, greedy).Tokens, second.Responses);
    }

    [TestMethod]
    [DataRow(0.0)]
    [DataRow(1.0)]
    public void A_mixture_with_coefficient_0_is_the_policy_and_with_1_the_reference(double share)
    {
        using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2(seed: 2);
        GenerationOptions sampled = Short with { MaxNewTokens = 12, Temperature = 0.8, TopP = 0.9 };
        int[][] prompts = Toys.Rows(3, 9, 1, 7);
        GenerationResult mixed = new TokenGenerator(policy) { Mixture = new(reference, share) }.Generate(prompts, sampled);
        GenerationResult alone = new TokenGenerator(share == 0 ? policy : reference).Generate(prompts, sampled);
        Same(alone.Tokens, mixed.Tokens);
        for (int row = 0; row < prompts.Length; row++)
            Close.Absolute(alone.LogProbs[row], mixed.LogProbs[row], 1e-6);
    }

    [TestMethod]
    public void A_mixture_is_the_geometric_mean_of_both_distributions() => Leaks.None(() =>
    {
        using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2(seed: 2);
        int[][] prompts = Toys.Rows(3, 6, 1, 7);
        GenerationResult mixed = new TokenGenerator(policy) { Mixture = new(reference, 0.3) }.Generate(prompts, Short);
        using var frozen = no_grad();
        for (int row = 0; row < prompts.Length; row++)
        {
            using var scope = NewDisposeScope();
            int[] all = [.. prompts[row], .. mixed.Tokens[row]];
            Tensor ids = tensor(Array.ConvertAll(all, id => (long)id)).unsqueeze(0);
            Tensor Of(CausalLanguageModel model) => model.Logits(model.Hidden(ids)).log_softmax(-1)[0];
            Tensor geometric = ((Of(policy) * 0.7) + (Of(reference) * 0.3)).log_softmax(-1); // [T, V]
            float[] expected = [.. mixed.Tokens[row].Select((token, at) => geometric[prompts[row].Length - 1 + at, token].item<float>())];
            Close.Absolute(expected, mixed.LogProbs[row], 1e-5, $"row {row}");
        }
    });

    [TestMethod]
    public void Each_epoch_has_its_own_coefficients_and_the_last_holds_on()
    {
        var run = new Settings { Steps = 6, BatchSize = 4, Prompts = Toys.Rows(5, 8, 2, 6) }; // 2 steps per epoch
        double[] Values(string method, string name, Func<OnlinePairOptions, OnlinePairOptions> change) =>
            [.. Run(method, run with { Change = change }, MoreWanted).Reports.Select(report => report[name])];
        CollectionAssert.AreEqual(
            new[] { 0.1, 0.1, 0.3, 0.3, 0.3, 0.3 }, Values("OnlineDpo", "beta", options => options with { Beta = [0.1, 0.3] }));
        CollectionAssert.AreEqual(
            new[] { 1, 1, 0.5, 0.5, 0, 0 },
            Values("NashMd", "mixture_coef", options => (NashMdOptions)options with { MixtureCoef = [1, 0.5, 0] }));
        CollectionAssert.AreEqual(
            new[] { 0, 0, 2.0, 2, 2, 2 }, Values("Xpo", "alpha", options => (XpoOptions)options with { Alpha = [0, 2] }));
    }

    private static void Same(IReadOnlyList<int[]> expected, IReadOnlyList<int[]> actual)
    {
        Assert.HasCount(expected.Count, actual);
        for (int row = 0; row < expected.Count; row++)
            CollectionAssert.AreEqual(expected[row], actual[row], $"row {row}");
    }
}
