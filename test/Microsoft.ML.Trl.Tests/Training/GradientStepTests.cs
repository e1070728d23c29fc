using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

[TestClass]
public sealed class GradientStepTests
{
    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void A_gradient_that_is_no_number_is_refused_before_any_weight_changes(float bad)
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(3, 3).requires_grad_(), other = ones(3, 3).requires_grad_();
        using var step = new GradientStep(Trained.Of(weight, other), Constant(0.5), 1);
        step.Accumulate((weight * 2).sum() + (other * bad).sum());
        var error = Assert.ThrowsExactly<TrainingDivergedException>(() => step.Update(1.5));
        StringAssert.StartsWith(error.Message, "Step 1 diverged: loss 1.5, gradient norm ");
        StringAssert.Contains(
            error.Message, "learning rate 0.5. The step was not applied, the model keeps the weights of step 0. Lower LearningRate");
        Assert.AreEqual(1, error.Step);
        Close.Absolute(ones(3, 3), weight, 0);
        Assert.IsNull(weight.grad);
    }

    [TestMethod]
    public void A_loss_that_is_no_number_is_refused_too()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(3).requires_grad_();
        using var step = new GradientStep(Trained.Of(weight), Constant(0.5), 1);
        step.Accumulate(weight.sum());
        Assert.ThrowsExactly<TrainingDivergedException>(() => step.Update(double.NaN));
        Close.Absolute(ones(3), weight, 0);
    }

    [TestMethod]
    public void Gradients_add_up_until_the_step_and_are_freed_by_it()
    {
        using var scope = NewDisposeScope();
        Tensor weight = zeros(2).requires_grad_();
        using var step = new GradientStep(Trained.Of(weight, weight), Constant(1) with { Optim = OptimizerKind.Sgd }, 1);
        step.Accumulate((weight * tensor([1f, 2f])).sum());
        step.Accumulate((weight * tensor([10f, 20f])).sum());
        Close.Absolute(Math.Sqrt((11 * 11) + (22 * 22)), step.Update(0), 1e-4);
        Assert.IsNull(weight.grad);
        Assert.AreEqual(1, step.Number);
        Close.Absolute(tensor([-11f, -22f]), weight, 1e-6);
    }

    [TestMethod]
    public void Frozen_parameters_stay()
    {
        using var scope = NewDisposeScope();
        Tensor frozen = ones(2), free = ones(2).requires_grad_();
        using var step = new GradientStep(Trained.Of(frozen, free), Constant(1), 1);
        step.Accumulate((frozen * free).sum());
        step.Update(0);
        Close.Absolute(ones(2), frozen, 0);
        Close.Absolute(zeros(2), free, 1e-6);
    }

    [TestMethod]
    public void Nothing_outlives_it() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(3, 3).requires_grad_();
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>())
        {
            using var step = new GradientStep(Trained.Of(weight), Constant(0.1) with { Optim = kind }, 1);
            step.Accumulate(weight.sum());
            step.Update(0);
        }
    });

    private static SftOptions Constant(double rate) =>
        new() { LearningRate = rate, LrSchedulerType = LrSchedulerType.Constant, MaxGradNorm = 0 };
}
