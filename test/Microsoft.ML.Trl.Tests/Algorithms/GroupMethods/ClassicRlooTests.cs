using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary><see cref="RlooOptions.Classic"/> against the formulas of TRL v0.11.4's RLOOTrainer, written out with whole logits.</summary>
[TestClass]
public sealed class ClassicRlooTests
{
    private const int K = 2, PromptCount = 4, Epochs = 4;
    private const double KlCoef = 0.05, ClipRange = 0.2, Temperature = 0.7, Rate = 0.005;

    private static readonly int[][] Prompts = Toys.Rows(3, PromptCount, 2, 6), Responses = Toys.Rows(5, K * PromptCount, 2, 8);
    private static readonly double[] Scores = [1, -0.5, 2, 0.25, 0, 3, -1, -1.5];

    [TestMethod]
    public void Four_passes_over_a_batch_give_the_weights_of_the_formulas()
    {
        using CausalLanguageModel policy = Toys.Gpt2(), theirs = Toys.Gpt2(), reference = Toys.Gpt2(2);
        RlooOptions options = RlooOptions.Classic with
        {
            PerDeviceTrainBatchSize = K * PromptCount, MaxSteps = Epochs, LearningRate = Rate, Optim = OptimizerKind.Sgd,
            LrSchedulerType = LrSchedulerType.Constant, LoggingSteps = 1, TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
        };
        Assert.AreEqual((K, Epochs, KlCoef, ClipRange), (options.NumGenerations, options.NumIterations, options.Beta, options.Epsilon));
        List<StepReport> reports = Loops.Rloo(
            policy, reference, options, new GroupWork(Prompts, new Fixed(), [1], (_, _) => Responses));
        double[] losses = Classic(theirs, reference, options);
        Close.Absolute(losses, [.. reports.Select(report => report["loss"])], 2e-5, "losses");
        Close.Absolute(Toys.Flat(theirs.Weights()), Toys.Flat(policy.Weights()), 2e-5, "weights");
        using CausalLanguageModel untrained = Toys.Gpt2();
        Close.Differ(Toys.Flat(untrained.Weights()), Toys.Flat(policy.Weights()), 1e-2, "something was learnt");
        Close.Above(0, reports[^1]["clip_ratio/region_mean"], "ratios that are clipped");
    }

    [TestMethod]
    public void The_preset_is_valid_and_survives_JSON()
    {
        string json = JsonSerializer.Serialize(RlooOptions.Classic.Validated());
        Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<RlooOptions>(json)));
        Assert.IsEmpty(RlooOptions.Classic.WithoutEffect());
    }

    /// <summary>One update of the trainer: rollout, rewards, baseline, and epochs over the batch.</summary>
    /// <returns>The loss of each epoch.</returns>
    private static double[] Classic(CausalLanguageModel policy, CausalLanguageModel reference, RlooOptions options)
    {
        using var scope = NewDisposeScope();
        Tensor old, advantages;
        using (no_grad())
        {
            old = Sums(policy); // [k · prompts]: all first samples, then all second ones
            Tensor kl = old - Sums(reference);
            Tensor rewards = (tensor([.. Order().Select(row => (float)Scores[row])]) - (kl * KlCoef)).reshape(K, -1);
            Tensor baseline = (rewards.sum(0) - rewards) / (K - 1);
            advantages = (rewards - baseline).flatten();
        }
        var losses = new double[Epochs];
        using var descent = new GradientStep(ParameterRates.Of(policy, [], options), options, Epochs);
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            using var step = NewDisposeScope();
            descent.Begin();
            Tensor ratio = (Sums(policy) - old).exp();
            Tensor loss = max(-advantages * ratio, -advantages * ratio.clamp(1 - ClipRange, 1 + ClipRange)).mean();
            descent.Accumulate(loss);
            losses[epoch] = loss.item<float>();
            descent.Update(losses[epoch]);
        }
        return losses;
    }

    /// <summary>Rows in the order of the trainer, whose queries are repeated as a whole.</summary>
    private static IEnumerable<int> Order() =>
        Enumerable.Range(0, K).SelectMany(sample => Enumerable.Range(0, PromptCount).Select(prompt => (prompt * K) + sample));

    /// <summary>[rows] log-probability of each response at the temperature.</summary>
    private static Tensor Sums(CausalLanguageModel model) => stack([.. Order().Select(row =>
    {
        int[] prompt = Prompts[row / K], response = Responses[row];
        Tensor ids = tensor([.. prompt.Concat(response).Select(id => (long)id)]);
        Tensor states = model.Hidden(ids.unsqueeze(0)).squeeze(0).narrow(0, prompt.Length - 1, response.Length);
        Tensor logProbs = (model.Logits(states) / (Temperature + 1e-7)).log_softmax(-1);
        return logProbs.gather(1, ids.narrow(0, prompt.Length, response.Length).unsqueeze(-1)).sum();
    })]);

    private sealed class Fixed : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) => RewardTable.Of(Scores);
    }
}
