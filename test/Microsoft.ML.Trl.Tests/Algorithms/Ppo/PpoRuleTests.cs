using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>What must hold of any step, whatever the numbers.</summary>
[TestClass]
public sealed class PpoRuleTests
{
    private static readonly PpoOptions Quick = new()
    {
        BatchSize = 8,
        MiniBatchSize = 4,
        PpoEpochs = 2,
        LearningRate = 1e-3,
        Generation = new GenerationOptions { MaxNewTokens = 6, EosTokenIds = [0] },
    };

    [TestMethod]
    public void At_step_0_with_policy_equal_to_reference_the_KL_is_0_and_the_ratio_1()
    {
        PpoStatistics statistics = Step(Quick with { PpoEpochs = 1, MiniBatchSize = 8 }).Statistics;
        Assert.AreEqual(0, statistics["objective/kl"]);
        Assert.AreEqual(0, statistics["ppo/mean_non_score_reward"]);
        Assert.AreEqual(0, statistics["ppo/policy/approxkl"]);
        Assert.AreEqual(0, statistics["ppo/policy/clipfrac"]);
        Assert.IsTrue(statistics.Arrays["ppo/policy/ratio"].All(ratio => ratio == 1));
    }

    [TestMethod]
    public void What_the_sampler_knows_is_what_a_fresh_pass_would_say()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick with { PpoEpochs = 1, MiniBatchSize = 8 });
        int[][] queries = Toys.Rows(3, 8, 2, 9);
        IReadOnlyList<int[]> responses = session.Generate(queries);
        PpoStatistics statistics = session.Step(queries, responses, new double[8]);
        Close.Absolute(0, statistics["objective/kl"], 1e-4);
        Close.Absolute(0, statistics["ppo/policy/approxkl"], 1e-9);
        foreach (float ratio in statistics.Arrays["ppo/policy/ratio"])
            Close.Absolute(1, ratio, 1e-5);
    }

    [TestMethod]
    [DataRow(KlPenalty.Kl)]
    [DataRow(KlPenalty.Full)]
    public void A_step_on_what_the_sampler_kept_is_a_step_on_a_fresh_pass(KlPenalty penalty)
    {
        PpoOptions options = Quick with { KlPenalty = penalty };
        int[][] queries = Toys.Rows(3, 8, 2, 9);
        double[] scores = [1, -1, 0.5, 2, -2, 0, 1, 3];
        using CausalLanguageModel one = Toys.Gpt2(), other = Toys.Gpt2(), reference = Toys.Gpt2(2);
        using var sampling = new PpoSession(one, options, null, reference);
        using var fresh = new PpoSession(other, options, null, reference);
        IReadOnlyList<int[]> responses = sampling.Generate(queries);
        PpoStatistics kept = sampling.Step(queries, responses, scores), computed = fresh.Step(queries, responses, scores);
        foreach ((string name, double value) in computed.Scalars.Where(entry => !entry.Key.StartsWith("time/", StringComparison.Ordinal)))
            Close.Absolute(value, kept[name], 1e-4 * Math.Max(1, Math.Abs(value)), name);
    }

    [TestMethod]
    public void The_score_sits_on_the_last_token_that_counts() => Leaks.None(() =>
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using ValueHead head = ValueHead.Create(16, 1);
        // no discount: an advantage sees its own reward only
        PpoOptions options = Quick with { BatchSize = 2, MiniBatchSize = 2, Gamma = 0 };
        bool[][] masks = [[true, true, true], [true, true, false, false]];
        var batch = new RolloutBatch([[5, 6], [7]], [[1, 2, 3], [4, 5, 6, 7]], masks);
        CollectionAssert.AreEqual(new[] { 2, 4 }, batch.ScorePositions);
        using var scope = NewDisposeScope();
        PpoRollout rollout = Collect(policy, head, policy, options, batch, [10, -20]);
        float[] reward = rollout.Returns.data<float>().ToArray(); // with γ = 0 the return is the reward
        float[] expected = [0, 0, 10, 0, -20, 0, 0];
        Close.Absolute(expected, reward, 1e-5);
    });

    [TestMethod]
    public void Rows_padded_beside_longer_ones_give_the_numbers_of_rows_alone()
    {
        using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2(2);
        using ValueHead head = ValueHead.Create(16, 1);
        int[][] queries = Toys.Rows(3, 4, 1, 9), responses = Toys.Rows(4, 4, 2, 7);
        using var scope = NewDisposeScope();
        PpoRollout together = Collect(policy, head, reference, Quick, new RolloutBatch(queries, responses, null), new double[4]);
        int start = 0;
        for (int row = 0; row < 4; row++)
        {
            PpoRollout alone = Collect(policy, head, reference, Quick, new RolloutBatch([queries[row]], [responses[row]], null), [0]);
            foreach ((Tensor one, Tensor all) in new[] { (alone.LogProbs, together.LogProbs), (
                alone.ReferenceLogProbs, together.ReferenceLogProbs), (alone.Values, together.Values), (alone.Returns, together.Returns) })
                Close.Absolute(one, all.narrow(0, start, responses[row].Length), 1e-5);
            start += responses[row].Length;
        }
    }

    [TestMethod]
    public void The_full_KL_from_hidden_states_is_that_of_the_distributions() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var chance = new Generator(5);
        Tensor ours = randn([7, 6], generator: chance), theirs = randn(
            [7, 6], generator: chance), head = randn([30, 6], generator: chance), otherHead = randn([30, 6], generator: chance);
        Tensor expected = KlEstimators.Full(ours.matmul(head.t()).log_softmax(-1), theirs.matmul(otherHead.t()).log_softmax(-1));
        Close.Absolute(expected, KlEstimators.Full(ours, head, theirs, otherHead), 1e-5);
        Close.Above(0, expected.min().item<float>());
    });

    [TestMethod]
    public void The_losses_have_the_gradient_of_the_finite_difference() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var chance = new Generator(5);
        Tensor At() => randn([12], generator: chance, dtype: ScalarType.Float64);
        (Tensor old, Tensor advantages, Tensor returns, Tensor oldValues, Tensor mask) = (
            At(), At(), At(), At(), ones(12, dtype: ScalarType.Float64));
        Check(old + (At() * 0.3), logProbs => PpoLoss.Policy(logProbs, old, advantages, mask, 0.2).Loss);
        Check(oldValues + (At() * 0.3), values => PpoLoss.Value(values, oldValues, returns, mask, 0.2).Loss);
    });

    [TestMethod]
    public void Same_seed_same_weights_other_seed_other_weights()
    {
        float[] first = Sampled(Quick);
        CollectionAssert.AreEqual(first, Sampled(Quick));
        CollectionAssert.AreNotEqual(first, Sampled(Quick with { Seed = 1 }));
    }

    [TestMethod]
    public void Two_mini_batches_of_equal_lengths_accumulated_are_one()
    {
        PpoOptions whole = Quick with { PpoEpochs = 1, MiniBatchSize = 8, LearningRate = 1e-4 };
        (_, float[] one) = Step(whole, equalLengths: true);
        (_, float[] two) = Step(whole with { MiniBatchSize = 4, GradientAccumulationSteps = 2 }, equalLengths: true);
        Close.Absolute(one, two, 2.1e-4); // Adam: noise moves a key bias by a whole step
        Close.Below(1e-4, one.Zip(two, (x, y) => Math.Abs((double)x - y)).Average());
    }

    [TestMethod]
    public void A_given_reference_is_left_as_it_was()
    {
        using CausalLanguageModel policy = Toys.Gpt2(), reference = Toys.Gpt2(7);
        float[] before = Toys.Flat(reference.Weights());
        using var session = new PpoSession(policy, Quick, null, reference);
        session.Step(Toys.Rows(3, 8, 2, 9), Toys.Rows(4, 8, 1, 7), Toys.Rows(5, 8, 1, 1).Select(row => (double)row[0]).ToArray());
        CollectionAssert.AreEqual(before, Toys.Flat(reference.Weights()));
        CollectionAssert.AreNotEqual(before, Toys.Flat(policy.Weights()));
    }

    [TestMethod]
    public void No_tensor_outlives_a_session() =>
        Leaks.None(() => Sampled(Quick with { KlPenalty = KlPenalty.Full, WhitenRewards = true, EarlyStopping = true }));

    [TestMethod]
    public void Live_tensors_are_flat_over_200_steps()
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, Quick with { PpoEpochs = 1 });
        int[][] queries = Toys.Rows(3, 8, 2, 9);
        var live = new List<long>();
        for (int step = 0; step < 200; step++)
        {
            session.Step(queries, session.Generate(queries), new double[8]);
            live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }
        Assert.AreEqual(live[0], live[^1]);
    }

    private static PpoRollout Collect(
        CausalLanguageModel policy, ValueHead critic, CausalLanguageModel reference, PpoOptions options, RolloutBatch batch, double[] scores)
    {
        var evaluator = new PpoEvaluator(policy, critic, reference, options, PpoReplay.Seeded(options).HiddenStates);
        PpoEvaluation evaluation = evaluator.Evaluate(batch, null);
        return PpoRollout.Estimate(batch, evaluation, PpoRollout.Rewards(batch, evaluation, scores, 0.2), options);
    }

    private static void Check(Tensor at, Func<Tensor, Tensor> loss)
    {
        Tensor point = at.detach().requires_grad_();
        loss(point).backward();
        double[] gradient = point.grad!.data<double>().ToArray();
        for (int i = 0; i < gradient.Length; i++)
        {
            Tensor nudge = zeros_like(point.detach());
            nudge[i] = 1e-6;
            double difference = (loss(at + nudge).item<double>() - loss(at - nudge).item<double>()) / 2e-6;
            Close.Absolute(difference, gradient[i], 1e-6);
        }
    }

    private static (PpoStatistics Statistics, float[] Weights) Step(PpoOptions options, bool equalLengths = false)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using ValueHead head = ValueHead.Create(16, 1);
        using var session = new PpoSession(policy, options, head);
        int[][] queries = Toys.Rows(3, 8, 2, 9), responses = Toys.Rows(4, 8, equalLengths ? 5 : 1, equalLengths ? 5 : 7);
        PpoStatistics statistics = session.Step(queries, responses, [1, -1, 0.5, 2, -2, 0, 1, 3]);
        return (statistics, Toys.Flat([.. policy.Weights(), .. head.Weights()]));
    }

    private static float[] Sampled(PpoOptions options)
    {
        using CausalLanguageModel policy = Toys.Gpt2();
        using var session = new PpoSession(policy, options);
        int[][] queries = Toys.Rows(3, 8, 2, 9);
        for (int step = 0; step < 2; step++)
        {
            IReadOnlyList<int[]> responses = session.Generate(queries);
            session.Step(queries, responses, [.. responses.Select(response => response.Average())]);
        }
        return Toys.Flat([.. policy.Weights(), .. session.ValueHead.Weights()]);
    }
}
