using Microsoft.ML.Trl.Operators;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

/// <summary>Against TorchSharp's optimizers, which work out the same formulas tensor by tensor.</summary>
[TestClass]
public sealed class FusedOptimizersTests
{
    private static readonly FusedOptimizers.AdamNumbers Numbers1 = new(0.8, 0.95, 1e-6);

    [TestMethod]
    public void AdamW_takes_the_steps_of_the_composed_one() => Same(
        parameters => optim.AdamW(parameters, 0.05, 0.8, 0.95, 1e-6, weight_decay: 0.1),
        (all, step) =>
            FusedOptimizers.AdamW(all.Parameters, all.Gradients, new(all.First, all.Second), Numbers1, step with { WeightDecay = 0.1 }));

    [TestMethod]
    public void Adam_takes_the_steps_of_the_composed_one() => Same(
        parameters => optim.Adam(parameters, 0.05, 0.8, 0.95, 1e-6, weight_decay: 0.1),
        (all, step) =>
            FusedOptimizers.Adam(all.Parameters, all.Gradients, new(all.First, all.Second), Numbers1, step with { WeightDecay = 0.1 }));

    [TestMethod]
    public void Sgd_takes_the_steps_of_the_composed_one() => Same(
        parameters => optim.SGD(parameters, 0.05, weight_decay: 0.1),
        (all, step) => FusedOptimizers.Sgd(all.Parameters, all.Gradients, step with { WeightDecay = 0.1 }));

    [TestMethod]
    public void Adagrad_takes_the_steps_of_the_composed_one() => Same(
        parameters => optim.Adagrad(parameters, 0.05, weight_decay: 0.1),
        (all, step) => FusedOptimizers.Adagrad(all.Parameters, all.Gradients, all.First, 1e-10, step with { WeightDecay = 0.1 }));

    [TestMethod]
    public void Divisor_divides_the_gradients_in_the_same_pass()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        manual_seed(12);
        Tensor[] gradients = [randn(40, 3), randn(7)], divided = [.. gradients.Select(gradient => gradient / 4)];
        All expected = All.Of([ones(40, 3), ones(7)], divided), actual = All.Of([ones(40, 3), ones(7)], gradients);
        FusedOptimizers.AdamW(expected.Parameters, expected.Gradients, new(expected.First, expected.Second), Numbers1, new(1, 0.05));
        var step = new FusedOptimizers.Step(1, 0.05, GradientDivisor: tensor(4f));
        FusedOptimizers.AdamW(actual.Parameters, actual.Gradients, new(actual.First, actual.Second), Numbers1, step);
        for (int i = 0; i < 2; i++)
        {
            Numbers.Close(expected.Parameters[i], actual.Parameters[i], 1e-6);
            Numbers.Close(expected.Second[i], actual.Second[i], 1e-6);
            Numbers.Close(divided[i], actual.Gradients[i], 1e-6, "the gradient keeps the quotient");
        }
    }

    [TestMethod]
    public void Norm_is_that_of_all_gradients_together()
    {
        using var scope = NewDisposeScope();
        Tensor[] gradients = [full([3, 4], 2f), full(6, -1f)]; // 12 · 4 + 6 = 54
        Numbers.Close(tensor(Math.Sqrt(54)), Gradients.Norm(gradients), 1e-6);
        Numbers.Equal(tensor(0f), Gradients.Norm([]));
    }

    [TestMethod]
    public void Norm_of_16_bit_gradients_is_a_float32()
    {
        using var scope = NewDisposeScope();
        Numbers.Close(tensor(Math.Sqrt(3000 * 0.01)), Gradients.Norm([full(3000, 0.1f).to(bfloat16)]), 2e-3); // 0.1 itself is off by 1e-3
    }

    [TestMethod]
    public void Lists_of_another_length_are_refused()
    {
        using var scope = NewDisposeScope();
        Tensor one = ones(1);
        var failure = Assert.ThrowsExactly<ArgumentException>(() =>
            FusedOptimizers.Adam([one, one], [one], new([one, one], [one, one]), Numbers1, new(1, 0.1)));
        StringAssert.Contains(failure.Message, "Each of the 2 parameters needs one gradient and one of each state; a list has 1.");
    }

    [TestMethod]
    public void Steps_leave_nothing_behind() => Numbers.NoneLive(() =>
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        All all = All.Of([ones(3)], [ones(3)]);
        long before = scope.DisposablesCount;
        FusedOptimizers.AdamW(all.Parameters, all.Gradients, new(all.First, all.Second), Numbers1, new(1, 0.1));
        Assert.AreEqual(before, scope.DisposablesCount);
    });

    private sealed record All(Tensor[] Parameters, Tensor[] Gradients, Tensor[] First, Tensor[] Second)
    {
        public static All Of(Tensor[] parameters, Tensor[] gradients) =>
            new(parameters, gradients, [.. parameters.Select(one => zeros_like(one))], [.. parameters.Select(one => zeros_like(one))]);
    }

    private static void Same(Func<IEnumerable<Parameter>, optim.Optimizer> composed, Action<All, FusedOptimizers.Step> fused)
    {
        using var scope = NewDisposeScope();
        manual_seed(11);
        Parameter[] expected = [new(randn(40, 3)), new(randn(7)), new(randn(2, 3, 5))];
        using optim.Optimizer optimizer = composed(expected);
        All all;
        using (no_grad())
            all = All.Of([.. expected.Select(one => one.detach().clone())], [.. expected.Select(one => zeros_like(one))]);
        for (int number = 1; number <= 4; number++)
        {
            using (no_grad())
                foreach (Tensor gradient in all.Gradients)
                    gradient.normal_();
            for (int i = 0; i < expected.Length; i++)
                expected[i].grad = all.Gradients[i].clone();
            optimizer.step();
            using (no_grad())
                fused(all, new FusedOptimizers.Step(number, 0.05));
            for (int i = 0; i < expected.Length; i++)
                Numbers.Close(expected[i], all.Parameters[i], 1e-5, $"step {number}, parameter {i}");
        }
    }
}
