using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ddpo;

[TestClass]
public sealed class DdpoLossTests
{
    [TestMethod]
    public void The_loss_is_that_worked_by_hand() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        // ratios e^0.1 = 1.1051709 and e^-0.3 = 0.7408182; advantages 2 and 7, the second clamped to 5; ε = 0.2
        DdpoLossTerms terms = DdpoLoss.Compute(tensor([-0.9, -1.3]), tensor([-1.0, -1.0]), tensor([2.0, 7.0]), 0.2, 5);
        // max(-2.2103418, -2.2103418) and max(-3.7040911, -5 * 0.8)
        Close.Absolute((-2.2103418 - 3.7040911) / 2, terms.Loss.item<double>(), 1e-6);
        Close.Absolute((0.01 + 0.09) / 4, terms.ApproxKl.item<double>(), 1e-9);
        Close.Absolute(0.5, terms.ClipFraction.item<float>(), 0); // 0.26 is beyond 0.2, 0.11 is not
    });

    [TestMethod]
    [DataRow(1.5, 0.3, 1.2)] // a good image that became likelier than the range allows
    [DataRow(-1.5, 0.3, 1.3498588)] // a bad one is pushed back from any distance
    [DataRow(-1.5, -0.3, 0.8)] // a bad one that became less likely than the range allows
    [DataRow(1.5, -0.3, 0.7408182)]
    public void A_ratio_is_clipped_on_the_side_of_the_advantage(double advantage, double difference, double ratio)
    {
        using var scope = NewDisposeScope();
        DdpoLossTerms terms = DdpoLoss.Compute(tensor([difference - 1]), tensor([-1.0]), tensor([advantage]), 0.2);
        Close.Absolute(-advantage * ratio, terms.Loss.item<double>(), 1e-6);
    }

    [TestMethod]
    public void Gradients_are_finite_differences()
    {
        using var scope = NewDisposeScope();
        Tensor old = tensor([-1.0, -1.2, -0.7, -1.0]), advantages = tensor([1.0, -2.0, 0.5, 3.0]);
        Tensor logProbs = tensor([-0.95, -1.6, -0.75, -0.6]).requires_grad_();
        double loss(Tensor at) => DdpoLoss.Compute(at, old, advantages, 0.1).Loss.item<double>();
        DdpoLoss.Compute(logProbs, old, advantages, 0.1).Loss.backward();
        Close.Absolute(FiniteDifferences.Of(logProbs, loss), logProbs.grad!, 1e-8);
    }

    [TestMethod]
    public void Statistics_of_prompts_are_those_worked_by_hand()
    {
        PerPromptStatistics statistics = new(bufferSize: 3, minCount: 2);
        // "b" has one reward yet: mean 3 and deviation √(14/3) of the batch. "a" has its own: mean 1.5, deviation 0.5.
        double[] first = statistics.Update(["a", "b", "a"], [1, 6, 2]);
        Close.Absolute([-0.5 / 0.500001, 3 / (Math.Sqrt(14 / 3.0) + 1e-6), 0.5 / 0.500001], first, 1e-12);
        // "a" keeps 2, 3, 4: the oldest is gone; mean 3, deviation √(2/3).
        double[] second = statistics.Update(["a", "a"], [3, 4]);
        Close.Absolute([0, 1 / (Math.Sqrt(2 / 3.0) + 1e-6)], second, 1e-12);
        PromptStatistics a = statistics.Statistics["a"], b = statistics.Statistics["b"];
        Close.Absolute([3, Math.Sqrt(2 / 3.0), 3, 6, 0, 1], [a.Mean, a.Deviation, a.Count, b.Mean, b.Deviation, b.Count], 1e-12);
    }

    [TestMethod]
    public void Rewards_without_statistics_are_whitened_over_the_epoch()
    {
        Close.Absolute([-1.3416407786, -0.4472135955, 0.4472135955, 1.3416407786], ImageRewards.Whiten([1, 2, 3, 4]), 1e-7);
        Close.Absolute([0, 0], ImageRewards.Whiten([2, 2]), 0);
    }
}
