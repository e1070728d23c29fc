using System.Text.Json;
using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>The losses of GRPO and RLOO: those of TRL v1.9.0 (losses/grpo_v190, rloo_v190), and finite differences.</summary>
[TestClass]
public sealed class GroupLossTests
{
    private const string PaddedKl = "luspo.seq_kl"; // TRL's mean is over padding too, see below

    [TestMethod]
    public void All_cases_of_GRPO_in_TRL_1_9_0_give_its_losses_metrics_and_gradients()
    {
        using JsonDocument cases = Fixtures.Json("losses", "grpo_v190.json");
        using var tensors = new FixtureTensors("losses", "grpo_v190.safetensors");
        JsonElement[] all = [.. cases.RootElement.GetProperty("cases").EnumerateArray()];
        Assert.HasCount(50, all);
        foreach (JsonElement test in all.Where(test => test.GetProperty("name").GetString() != PaddedKl))
            Leaks.None(() =>
            {
                using var scope = NewDisposeScope();
                (GroupFixture fixture, (Tensor, Dictionary<string, float>) ours) = Grpo(test.GetProperty("config"), tensors);
                fixture.Compare(test, tensors, "grpo_v190", ours);
            });
    }

    [TestMethod]
    public void Luspo_with_KL_is_that_of_TRL_but_for_the_KL_of_padding()
    {
        using JsonDocument cases = Fixtures.Json("losses", "grpo_v190.json");
        using var tensors = new FixtureTensors("losses", "grpo_v190.safetensors");
        using var scope = NewDisposeScope();
        JsonElement test = cases.RootElement.GetProperty("cases").EnumerateArray().Single(
            test => test.GetProperty("name").GetString() == PaddedKl);
        double ours = Grpo(test.GetProperty("config"), tensors).Ours.Loss.item<float>();
        // what TRL takes for the mean KL of a completion is over all 8 columns of the grid, whatever stands in them
        using IDisposable frozen = no_grad();
        Tensor logProbs = Trl.Numerics.LogProbs.OfLogits(tensors["logits"].narrow(1, 3, 8), tensors["completion_ids"]);
        Tensor apart = tensors["ref_per_token_logps"] - logProbs, mask = tensors["completion_mask"].to_type(ScalarType.Float32);
        Tensor kl = apart.exp() - apart - 1, lengths = mask.sum(-1);
        double padded = (kl.mean([-1]) * lengths).mean().item<float>(), real = (kl * mask).sum(-1).mean().item<float>();
        const double beta = 0.05, passes = 2;
        Close.Absolute(test.GetProperty("loss").GetDouble(), ours + (beta * (padded - real) / passes), 1e-4, "grpo_v190 luspo.seq_kl loss");
    }

    [TestMethod]
    public void All_cases_of_RLOO_in_TRL_1_9_0_give_its_losses_metrics_and_gradients()
    {
        using JsonDocument cases = Fixtures.Json("losses", "rloo_v190.json");
        using var tensors = new FixtureTensors("losses", "rloo_v190.safetensors");
        JsonElement[] all = [.. cases.RootElement.GetProperty("cases").EnumerateArray()];
        Assert.HasCount(3, all);
        foreach (JsonElement test in all)
            Leaks.None(() =>
            {
                using var scope = NewDisposeScope();
                JsonElement config = test.GetProperty("config");
                var fixture = new GroupFixture(tensors, config.GetProperty("temperature").GetDouble());
                // the old log-probabilities are known as sums alone: any that add up to them will do
                Tensor lengths = fixture.Tokens.Lengths();
                GroupTokens tokens = fixture.Tokens with { OldLogProbs = fixture.Tokens.Spread(tensors["old_logps"] / lengths) };
                var options = new RlooOptions
                {
                    Epsilon = config.GetProperty("epsilon").GetDouble(), EpsilonHigh = config.GetProperty("epsilon_high").GetDouble(),
                };
                fixture.Compare(
                    test, tensors, "rloo_v190",
                    new RlooObjective(options).Loss(tokens, fixture.LogProbs, fixture.Entropy.detach(), new GroupTotals(6, 35, 1)));
            });
    }

    [TestMethod]
    public void Gradients_are_finite_differences()
    {
        double[] ratios = [0.7, 0.95, 1.05, 1.4, 0.6, 1.7], logs = [-2.1, -0.4, -1.3, -0.2, -3, -0.9];
        using var scope = NewDisposeScope();
        Tensor advantages = tensor([1.5, -0.5, 0.7, -2, -0.3, 0.9]), fixedRatios = tensor(ratios);
        Slopes(x => GrpoLoss.Clipped(x, advantages, 0.2, 0.28), ratios, "clipped");
        Slopes(x => GrpoLoss.Clipped(x, advantages, 0.2, 0.28, delta: 1.35), ratios, "two-sided");
        Slopes(x => GrpoLoss.Sapo(x, advantages, 1, 1.05), ratios, "SAPO");
        Slopes(x => GrpoLoss.Cispo(fixedRatios, advantages, x, 1.3), logs, "CISPO");
        Slopes(x => RlooLoss.Clipped(x, advantages, 0.2, 0.28), [-0.3, -0.05, 0.1, 0.4, -0.6, 0.2], "RLOO");
    }

    private static (GroupFixture Fixture, (Tensor Loss, Dictionary<string, float> Metrics) Ours) Grpo(
        JsonElement config, FixtureTensors tensors)
    {
        double Number(string name) => config.GetProperty(name).GetDouble();
        double? Optional(string name) => config.GetProperty(name).Deserialize<double?>();
        var fixture = new GroupFixture(tensors, Number("temperature"), config.GetProperty("tool_mask").GetBoolean());
        GrpoOptions options = new GrpoOptions
        {
            LossType = config.GetProperty("loss_type").Deserialize<GrpoLossType>(),
            ImportanceSamplingLevel = config.GetProperty("importance_sampling_level").Deserialize<ImportanceSamplingLevel>(),
            Beta = Number("beta"), Epsilon = Number("epsilon"), EpsilonHigh = Number("epsilon_high"), Delta = Optional("delta"),
            TopEntropyQuantile = Number("top_entropy_quantile"), OffPolicyMaskThreshold = Optional("off_policy_mask_threshold"),
            EntropyCoef = Number("entropy_coef"), UseBiasCorrectionKl = config.GetProperty("use_bias_correction_kl").GetBoolean(),
            SapoTemperaturePos = config.TryGetProperty("tp", out JsonElement positive) ? positive.GetDouble() : 1,
            SapoTemperatureNeg = config.TryGetProperty("tn", out JsonElement negative) ? negative.GetDouble() : 1.05,
            Generation = new() { MaxNewTokens = config.GetProperty("max_completion_length").GetInt32() },
        }.Validated();
        bool old = config.GetProperty("use_old").GetBoolean(), sampled = options.OffPolicyMaskThreshold is not null;
        GroupTokens tokens = fixture.Tokens with
        {
            OldLogProbs = old || sampled ? fixture.Pick(tensors["old_per_token_logps"]) : null,
            ReferenceLogProbs = options.Beta > 0 ? fixture.Pick(tensors["ref_per_token_logps"]) : null,
        };
        int passes = config.GetProperty("gradient_accumulation").GetInt32();
        var totals = new GroupTotals(6 * passes, config.GetProperty("num_items_in_batch").GetInt32(), passes);
        return (fixture, new GrpoObjective(options).Loss(tokens, fixture.LogProbs, fixture.Entropy, totals));
    }

    private static void Slopes(Func<Tensor, Tensor> loss, double[] at, string what)
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(at).requires_grad_();
        loss(x).sum().backward();
        Close.Relative(FiniteDifferences.Of(x, moved => loss(moved).sum().item<double>()), x.grad!, 1e-6, $"{what} gradient");
    }
}
