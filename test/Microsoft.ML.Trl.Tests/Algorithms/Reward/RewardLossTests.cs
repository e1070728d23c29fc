using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Reward;

[TestClass]
public sealed class RewardLossTests
{
    [TestMethod]
    public void Losses_and_gradients_equal_the_reference()
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "reward_v190.safetensors");
        using JsonDocument json = Fixtures.Json("losses", "reward_v190.json");
        foreach (JsonElement one in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = one.GetProperty("name").GetString()!;
            JsonElement config = one.GetProperty("config"), centering = config.GetProperty("center_rewards_coefficient");
            Tensor rewards = fixture["rewards"].requires_grad_(), flat = rewards.squeeze(-1);
            Tensor loss = RewardLoss.PerPair(
                flat.narrow(0, 0, 5),
                flat.narrow(0, 5, 5),
                config.GetProperty("margin").GetBoolean() ? fixture["margin"] : null,
                centering.ValueKind == JsonValueKind.Null ? null : centering.GetDouble()).mean();
            loss.backward();
            Close.Absolute(one.GetProperty("loss").GetDouble(), loss.item<float>(), 1e-6, $"reward_v190 {name}");
            Close.Absolute(fixture[$"{name}.grad"], rewards.grad!, 1e-6, $"reward_v190 {name}.grad");
        }
    }
}
