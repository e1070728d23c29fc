using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;

/// <summary>Rewards, advantages and costs against plain loops over numbers, and finite differences.</summary>
[TestClass]
public sealed class EpisodesTests
{
    private static readonly int[][] Queries = [[5, 6], [7], [8, 9, 10]], Responses = [[1, 2, 3], [4, 5, 6, 7], [8]];
    private static readonly double[] Ours = [-1, -2, -0.5, -3, -1.5, -2.5, -0.1, -4], Theirs = [-1.5, -1, -0.7, -2, -2, -2.5, -0.3, -1];
    private static readonly double[] Values = [0.5, -0.2, 0.1, 1, 0.3, -0.4, 0.2, 0.6], Scores = [2, -1, 0.5];

    [TestMethod]
    [DataRow(KlEstimator.K1, false)]
    [DataRow(KlEstimator.K3, false)]
    [DataRow(KlEstimator.K1, true)]
    public void Rewards_advantages_and_returns_are_those_of_a_plain_loop(KlEstimator estimator, bool whitens) => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        var options = new ExperimentalPpoOptions
        {
            KlEstimator = estimator, WhitenRewards = whitens, KlCoef = 0.3, Gamma = 0.9, Lam = 0.8,
        };
        var batch = new RolloutBatch(Queries, Responses, null);
        Episodes episodes = Episodes.Of(batch, new EpisodeEvaluation(Of(Ours), Of(Theirs), Of(Values)), Scores, options);

        double[] kl = [.. Ours.Zip(Theirs, (p, q) => estimator == KlEstimator.K1 ? p - q : Math.Exp(q - p) - 1 - (q - p))];
        double[] rewards = [.. kl.Select(nats => -0.3 * nats)];
        int[] ends = [2, 6, 7]; // the last token of each response
        for (int row = 0; row < 3; row++)
            rewards[ends[row]] += Scores[row];
        if (whitens)
            rewards = Scaled(rewards, rewards.Average());
        var advantages = new double[8];
        for (int at = 7; at >= 0; at--)
        {
            bool isLast = ends.Contains(at);
            double delta = rewards[at] + (isLast ? 0 : 0.9 * Values[at + 1]) - Values[at];
            advantages[at] = delta + (isLast ? 0 : 0.9 * 0.8 * advantages[at + 1]);
        }
        Close.Absolute(Floats(advantages.Zip(Values, (a, v) => a + v)), Read(episodes.Returns), 1e-5, "returns");
        Close.Absolute(Floats(Scaled(advantages, 0)), Read(episodes.Advantages), 1e-5, "advantages");
        Close.Absolute(kl.Sum() / 3, episodes.Figures["objective/kl"], 1e-5, "KL");
        Close.Absolute(-Ours.Sum() / 3, episodes.Figures["objective/entropy"], 1e-5, "entropy");
        Close.Absolute(-0.3 * kl.Sum() / 3, episodes.Figures["objective/non_score_reward"], 1e-5, "price");
        Close.Absolute(0.5, episodes.Figures["objective/scores"], 1e-6, "score");
        Close.Absolute(0.5 - (0.1 * kl.Sum()), episodes.Figures["objective/rlhf_reward"], 1e-5, "reward");
        Assert.AreEqual(4, episodes.TokenCount([0, 2]));
        Assert.AreEqual(4, episodes.ValueCount([1]));
    });

    [TestMethod]
    public void The_score_sits_on_the_last_real_token()
    {
        using var scope = NewDisposeScope();
        // nothing is discounted forward and nothing charged: a return is the reward of its own token
        var options = new ExperimentalPpoOptions { Gamma = 0, KlCoef = 0 };
        var batch = new RolloutBatch(Queries, Responses, null);
        Episodes episodes = Episodes.Of(batch, new EpisodeEvaluation(Of(Ours), Of(Theirs), Of(Values)), Scores, options);
        Close.Absolute((float[])[0, 0, 2, 0, 0, 0, -1, 0.5f], Read(episodes.Returns), 1e-6);
    }

    [TestMethod]
    public void The_cost_of_a_token_is_the_greater_of_two_and_its_gradient_that_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        Tensor old = Wide(Theirs), advantages = Wide([1, -1, 0.5, -0.5, 2, -2, 0.3, -0.3]), now = Wide(Ours).requires_grad_();
        ClippedCost policy = ClippedCosts.Policy(now, old, advantages, 0.2);
        for (int at = 0; at < 8; at++)
        {
            double ratio = Math.Exp(Ours[at] - Theirs[at]), a = advantages[at].item<double>();
            double free = -a * ratio, clipped = -a * Math.Clamp(ratio, 0.8, 1.2);
            Close.Absolute(Math.Max(free, clipped), policy.Cost[at].item<double>(), 1e-9, "policy cost");
            Close.Absolute(ratio, policy.Detail[at].item<double>(), 1e-9, "ratio");
            Assert.AreEqual(clipped > free ? 1f : 0f, policy.IsClipped[at].item<float>());
        }
        policy.Cost.sum().backward();
        Close.Relative(
            FiniteDifferences.Of(now, x => ClippedCosts.Policy(x, old, advantages, 0.2).Cost.sum().item<double>()), now.grad!, 1e-6,
            "policy");

        Tensor before = Wide(Values), returns = Wide([0, 1, -1, 0.5, 0.9, -0.3, 2, 0.1]), says = Wide(Scored()).requires_grad_();
        ClippedCost value = ClippedCosts.Value(says, before, returns, 0.2);
        for (int at = 0; at < 8; at++)
        {
            double r = returns[at].item<double>(), v = Scored()[at], near = Math.Clamp(v, Values[at] - 0.2, Values[at] + 0.2);
            double free = (v - r) * (v - r), clipped = (near - r) * (near - r);
            Close.Absolute(Math.Max(free, clipped), value.Cost[at].item<double>(), 1e-9, "value cost");
            Close.Absolute(near, value.Detail[at].item<double>(), 1e-9, "clipped value");
            Assert.AreEqual(clipped > free ? 1f : 0f, value.IsClipped[at].item<float>());
        }
        value.Cost.sum().backward();
        Close.Relative(
            FiniteDifferences.Of(says, x => ClippedCosts.Value(x, before, returns, 0.2).Cost.sum().item<double>()), says.grad!, 1e-6,
            "value");
    }

    [TestMethod]
    public void K3_is_never_negative_and_its_mean_under_the_policy_is_the_KL()
    {
        using var scope = NewDisposeScope();
        Tensor ours = Wide(Ours).log_softmax(0), theirs = Wide(Theirs).log_softmax(0);
        Tensor each = KlEstimators.LowVariance(ours, theirs);
        Assert.IsTrue(each.ge(0).all().item<bool>());
        Tensor ratio = (theirs - ours).exp();
        Close.Absolute(ratio - 1 - ratio.log(), each, 1e-12, "k3");
        Close.Absolute(KlEstimators.Full(ours, theirs).item<double>(), (ours.exp() * each).sum().item<double>(), 1e-12, "mean");
    }

    /// <summary>Values of later on: some within the range of the old ones, some beyond, on either side of the returns.</summary>
    private static double[] Scored() => [0.55, 0.3, -0.5, 0.9, 0.85, -0.9, 0.35, 0.05];

    private static double[] Scaled(double[] numbers, double mean)
    {
        double average = numbers.Average(), variance = numbers.Sum(x => (x - average) * (x - average)) / (numbers.Length - 1);
        return [.. numbers.Select(x => ((x - average) / Math.Sqrt(variance + 1e-8)) + mean)];
    }

    private static Tensor Of(double[] numbers) => tensor(Floats(numbers));

    private static Tensor Wide(double[] numbers) => tensor(numbers);

    private static float[] Floats(IEnumerable<double> numbers) => [.. numbers.Select(x => (float)x)];

    private static float[] Read(Tensor numbers) => numbers.data<float>().ToArray();
}
