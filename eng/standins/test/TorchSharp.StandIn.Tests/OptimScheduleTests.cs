using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharpStandIn.Tests;

/// <summary>Rates by hand; the first one is what the optimizer's first step uses.</summary>
[TestClass]
public sealed class OptimScheduleTests
{
    [TestMethod]
    public void constant() => Check([0.5, 0.5, 1, 1], o => lr_scheduler.ConstantLR(o, 0.5, 2));

    [TestMethod]
    public void step() => Check([1, 1, 0.1, 0.1, 0.01], o => lr_scheduler.StepLR(o, 2));

    [TestMethod]
    public void milestones() => Check([1, 0.5, 0.5, 0.25, 0.25], o => lr_scheduler.MultiStepLR(o, [1, 3], 0.5));

    [TestMethod]
    public void exponential() => Check([1, 0.5, 0.25], o => lr_scheduler.ExponentialLR(o, 0.5));

    [TestMethod]
    public void lambda() => Check([0, 0.5, 1, 1.5], o => lr_scheduler.LambdaLR(o, step => step / 2.0));

    [TestMethod]
    public void multiplicative() => Check([1, 0.5, 0.25], o => lr_scheduler.MultiplicativeLR(o, _ => 0.5));

    [TestMethod]
    public void linear() => Check([0.25, 0.4375, 0.625, 0.8125, 1, 1], o => new lr_scheduler.impl.LinearLR(o, 0.25, 1, 4));

    [TestMethod]
    public void cosine() => Check([1, (1 + Math.Sqrt(0.5)) / 2, 0.5, (1 - Math.Sqrt(0.5)) / 2, 0], o => lr_scheduler.CosineAnnealingLR(o, 4));

    [TestMethod]
    public void one_after_the_other() => Check([0.1, 0.1, 1, 0.5, 0.25], o =>
        lr_scheduler.SequentialLR(o, [lr_scheduler.ConstantLR(o, 0.1, 9), lr_scheduler.ExponentialLR(o, 0.5)], [2]));

    [TestMethod]
    public void plateau()
    {
        using DisposeScope scope = NewDisposeScope();
        using SGD optimizer = optim.SGD([new Parameter(zeros(1))], 1);
        lr_scheduler.LRScheduler scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience: 1);
        List<double> rates = [];
        foreach (double metric in new[] { 1.0, 0.9, 0.9, 0.9, 0.9, 0.9 })
        {
            scheduler.step(metric);
            rates.Add(optimizer.ParamGroups.First().LearningRate);
        }
        CollectionAssert.AreEqual(new[] { 1, 1, 1, 0.1, 0.1, 0.1 * 0.1 }, rates);
        Assert.ThrowsExactly<InvalidOperationException>(scheduler.step);
    }

    private static void Check(double[] expected, Func<Optimizer, lr_scheduler.LRScheduler> make)
    {
        using DisposeScope scope = NewDisposeScope();
        using SGD optimizer = optim.SGD([new Parameter(zeros(1))], 1);
        lr_scheduler.LRScheduler scheduler = make(optimizer);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], optimizer.ParamGroups.First().LearningRate, 1e-12, $"step {i}");
            scheduler.step();
        }
    }
}
