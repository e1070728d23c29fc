using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

[TestClass]
public sealed class AdvantagesTests
{
    [TestMethod]
    public void Two_tokens_worked_by_hand()
    {
        // δ₁ = 2 - 1 = 1; δ₀ = 1 + 0.5·1 - 0.25 = 1.25; A₁ = 1; A₀ = 1.25 + 0.5·0.8·1 = 1.65
        using var scope = NewDisposeScope();
        Tensor actual = Advantages.Estimate(
            tensor([1f, 2f]).view(1, 2), tensor([0.25f, 1f]).view(1, 2), ones(1, 2).to_type(ScalarType.Bool), 0.5, 0.8);
        Close.Absolute(tensor([1.65f, 1f]).view(1, 2), actual, 1e-6);
    }

    [TestMethod]
    public void Lambda_1_is_the_discounted_sum_of_rewards_minus_the_value()
    {
        using var scope = NewDisposeScope();
        Tensor rewards = tensor([1f, -1f, 3f, 0f]).view(1, 4), values = tensor([0.5f, 0.1f, -2f, 9f]).view(1, 4);
        Tensor mask = tensor([true, true, true, false]).view(1, 4);
        Tensor actual = Advantages.Estimate(rewards, values, mask, 0.9, 1);
        Close.Absolute(tensor([1 - 0.9f + (0.81f * 3) - 0.5f, -1 + (0.9f * 3) - 0.1f, 3f + 2f, 0f]).view(1, 4), actual, 1e-6);
    }

    [TestMethod]
    public void Shapes_must_agree()
    {
        using var scope = NewDisposeScope();
        var error = Assert.ThrowsExactly<ArgumentException>(() => Advantages.Estimate(ones(1, 2), ones(1, 3), ones(1, 2), 1, 1));
        StringAssert.StartsWith(error.Message, "rewards [1, 2], values [1, 3] and mask [1, 2] must have one shape.");
    }
}
