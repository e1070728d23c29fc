using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Ppo;

/// <summary>The pieces of TRL v0.11.4's PPOTrainer: losses/ppo_classic_v0114.</summary>
[TestClass]
public sealed class PpoFixtureTests
{
    private const double Tolerance = 1e-5;

    [TestMethod]
    public void Every_penalty_gives_the_rewards_of_TRL() => Cases("rewards.", (tensors, test) =>
    {
        string kind = test.GetProperty("kl_penalty").GetString()!;
        Tensor ours = tensors.Read("logprobs"), theirs = tensors.Read("ref_logprobs"), mask = tensors.Read("mask");
        Tensor kl = kind switch
        {
            "kl" => KlEstimators.Difference(ours, theirs),
            "abs" => KlEstimators.Absolute(ours, theirs),
            "mse" => KlEstimators.Squared(ours, theirs),
            _ => KlEstimators.Full(tensors.Read("full_logprobs"), tensors.Read("full_ref_logprobs")),
        };
        Close.Relative(tensors.Read("kl." + kind), kl, Tolerance, "ppo_classic_v0114 " + "kl." + kind);
        Tensor penalty = kl * -test.GetProperty("kl_coef").GetDouble();
        Close.Relative(tensors.Read("non_score_reward." + kind), penalty, Tolerance, "ppo_classic_v0114 " + "non_score_reward." + kind);
        Close.Relative(
            tensors.Read("rewards." + kind), penalty + ScoreOnLast(tensors.Read("scores"), mask),
            Tolerance, "ppo_classic_v0114 " + "rewards." + kind);
    });

    [TestMethod]
    public void Advantages_and_returns_are_those_of_TRL_whitened_rewards_included() => Cases("adv.", (tensors, test) =>
    {
        string name = test.GetProperty("name").GetString()!;
        Tensor mask = tensors.Read("mask").to_type(ScalarType.Float32);
        Tensor values = tensors.Read("values") * mask, rewards = tensors.Read("rewards.kl") * mask;
        if (test.GetProperty("whiten_rewards").GetBoolean())
            rewards = Masked.Whiten(rewards, mask, shiftMean: false);
        Tensor raw = Advantages.Estimate(
            rewards, values, ones_like(mask), test.GetProperty("gamma").GetDouble(), test.GetProperty("lam").GetDouble());
        Close.Relative(tensors.Read(name + ".values"), values, Tolerance, "ppo_classic_v0114 " + name + ".values");
        Close.Relative(tensors.Read(name + ".returns"), raw + values, Tolerance, "ppo_classic_v0114 " + name + ".returns");
        Close.Relative(
            tensors.Read(name + ".advantages"), Masked.Whiten(raw, mask), Tolerance, "ppo_classic_v0114 " + name + ".advantages");
    });

    [TestMethod]
    public void Losses_statistics_and_gradients_are_those_of_TRL() => Cases("loss.", (tensors, test) =>
    {
        string name = test.GetProperty("name").GetString()!;
        var options = new PpoOptions
        {
            Cliprange = test.GetProperty("cliprange").GetDouble(),
            CliprangeValue = test.GetProperty("cliprange_value").GetDouble(),
            VfCoef = test.GetProperty("vf_coef").GetDouble(),
            RatioThreshold = test.GetProperty("ratio_threshold").GetDouble(),
        };
        const string Advantages = "adv.g1.0_l0.95_w0";
        Tensor logProbs = tensors.Read("new_logprobs").requires_grad_(), values = tensors.Read("vpreds").requires_grad_();
        Tensor full = tensors.Read("new_logits").log_softmax(-1);
        var now = new PpoPrediction(logProbs, (full.exp() * full).sum(-1).neg(), values);
        var then = new PpoTarget(
            tensors.Read("logprobs"),
            tensors.Read(Advantages + ".values"),
            tensors.Read(Advantages + ".advantages"),
            tensors.Read(Advantages + ".returns"),
            tensors.Read("mask").to_type(ScalarType.Float32));

        (Tensor loss, PpoMiniBatch learned) = PpoUpdate.Objective(options, [], now, then);

        JsonElement expected = test.GetProperty("stats");
        foreach ((string figure, double value) in learned.Figures)
            Close.Absolute(expected.GetProperty(figure).GetDouble(), value, Tolerance, $"ppo_classic_v0114 {name} {figure}");
        double total = test.GetProperty("policy_loss").GetDouble() + test.GetProperty("value_loss_times_vf_coef").GetDouble();
        Close.Absolute(total, loss.item<float>(), Tolerance, $"ppo_classic_v0114 {name} loss");
        Assert.AreEqual(total == 0, learned.Skipped);
        Close.Relative(tensors.Read(name + ".ratio"), learned.Ratio, Tolerance, "ppo_classic_v0114 " + name + ".ratio");
        loss.backward();
        Close.Relative(tensors.Read(name + ".grad_logprobs"), logProbs.grad!, Tolerance, "ppo_classic_v0114 " + name + ".grad_logprobs");
        Close.Relative(tensors.Read(name + ".grad_vpreds"), values.grad!, Tolerance, "ppo_classic_v0114 " + name + ".grad_vpreds");
    });

    [TestMethod]
    public void Masked_mean_variance_and_whitening_are_those_of_TRL()
    {
        using SafetensorsFile tensors = Open();
        using var scope = NewDisposeScope();
        Tensor x = tensors.Read("x"), mask = tensors.Read("mask"), all = ones_like(mask);
        Close.Relative(tensors.Read("masked_mean"), Masked.Mean(x, mask), Tolerance, "ppo_classic_v0114 " + "masked_mean");
        Close.Relative(tensors.Read("masked_mean_axis1"), Masked.Mean(x, mask, 1), Tolerance, "ppo_classic_v0114 " + "masked_mean_axis1");
        Close.Relative(tensors.Read("masked_var"), Masked.Variance(x, mask), Tolerance, "ppo_classic_v0114 " + "masked_var");
        Close.Relative(
            tensors.Read("masked_var_biased"), Masked.Variance(x, mask, unbiased: false),
            Tolerance, "ppo_classic_v0114 " + "masked_var_biased");
        Close.Relative(tensors.Read("masked_whiten"), Masked.Whiten(x, mask), Tolerance, "ppo_classic_v0114 " + "masked_whiten");
        Close.Relative(
            tensors.Read("masked_whiten_noshift"), Masked.Whiten(x, mask, shiftMean: false),
            Tolerance, "ppo_classic_v0114 " + "masked_whiten_noshift");
        Close.Relative(tensors.Read("whiten"), Masked.Whiten(x, all), Tolerance, "ppo_classic_v0114 " + "whiten");
        Close.Relative(
            tensors.Read("whiten_noshift"), Masked.Whiten(x, all, shiftMean: false), Tolerance, "ppo_classic_v0114 " + "whiten_noshift");
    }

    [TestMethod]
    public void The_adaptive_controller_moves_like_that_of_TRL()
    {
        using JsonDocument document = Fixtures.Json("losses", "ppo_classic_v0114.json");
        JsonElement adaptive = document.RootElement.GetProperty("adaptive_kl");
        var controller = new AdaptiveKlController(
            adaptive.GetProperty("init").GetDouble(),
            adaptive.GetProperty("target").GetDouble(),
            adaptive.GetProperty("horizon").GetDouble());
        foreach (JsonElement update in adaptive.GetProperty("updates").EnumerateArray())
        {
            controller.Update(update.GetProperty("current").GetDouble(), update.GetProperty("n_steps").GetInt32());
            Close.Absolute(update.GetProperty("value").GetDouble(), controller.Value, 1e-12, "ppo_classic_v0114 adaptive_kl");
        }
    }

    [TestMethod]
    public void Running_moments_are_those_of_TRL()
    {
        using JsonDocument document = Fixtures.Json("losses", "ppo_classic_v0114.json");
        JsonElement moments = document.RootElement.GetProperty("running_moments");
        var seen = new RunningMoments();
        JsonElement inputs = moments.GetProperty("inputs"), states = moments.GetProperty("states");
        foreach ((JsonElement batch, JsonElement state) in inputs.EnumerateArray().Zip(states.EnumerateArray()))
        {
            (double mean, double std) = seen.Update(batch.Deserialize<double[]>()!);
            Close.Absolute(state.GetProperty("batch_mean").GetDouble(), mean, 1e-6, "ppo_classic_v0114 running batch_mean");
            Close.Absolute(state.GetProperty("batch_std").GetDouble(), std, 1e-6, "ppo_classic_v0114 running batch_std");
            Close.Absolute(state.GetProperty("mean").GetDouble(), seen.Mean, 1e-6, "ppo_classic_v0114 running mean");
            Close.Absolute(state.GetProperty("std").GetDouble(), seen.Std, 1e-6, "ppo_classic_v0114 running std");
            Close.Absolute(state.GetProperty("var").GetDouble(), seen.Variance, 2e-6, "ppo_classic_v0114 running var");
            Close.Absolute(state.GetProperty("count").GetDouble(), seen.Count, 0, "ppo_classic_v0114 running count");
        }
    }

    private static Tensor ScoreOnLast(Tensor scores, Tensor mask) // [B], [B, T] -> [B, T]
    {
        Tensor last = mask * arange(mask.shape[1]).unsqueeze(0);
        return zeros(mask.shape).scatter(1, last.argmax(1).unsqueeze(1), scores.unsqueeze(1));
    }

    private static SafetensorsFile Open() => SafetensorsFile.Open(Fixtures.Path("losses", "ppo_classic_v0114.safetensors"));

    private static void Cases(string prefix, Action<SafetensorsFile, JsonElement> check)
    {
        using JsonDocument document = Fixtures.Json("losses", "ppo_classic_v0114.json");
        using SafetensorsFile tensors = Open();
        int count = 0;
        bool IsAsked(JsonElement test) => test.GetProperty("name").GetString()!.StartsWith(prefix, StringComparison.Ordinal);
        foreach (JsonElement test in document.RootElement.GetProperty("cases").EnumerateArray().Where(IsAsked))
        {
            Leaks.None(() =>
            {
                using var scope = NewDisposeScope();
                check(tensors, test);
            });
            count++;
        }
        Assert.AreNotEqual(0, count);
    }
}
