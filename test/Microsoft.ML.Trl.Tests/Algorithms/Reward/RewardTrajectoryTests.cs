using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Reward;

/// <summary>Whole runs of TRL v1.9.0's RewardTrainer, replayed from the tokens that it fed its model: trajectories/reward_*.</summary>
[TestClass]
public sealed class RewardTrajectoryTests
{
    [TestMethod]
    public void Losses_norms_metrics_and_weights_follow_the_reference()
    {
        using var run = new Trajectory("reward_gpt2");
        using RewardModel model = HuggingFaceFolder.LoadRewardModel(run.ModelFolder);
        List<StepReport> reports = Train(run, model);
        // Without centering a shift of all scores changes nothing: the last norm's bias, whose true gradient is 0, drifts by rounding from
        // the first update on. The figures that it does not move are compared: how far the lowest and the highest lie from the mean.
        for (int step = 1; step < run.Steps; step++)
        {
            Spread(run.Log[step]);
            var metrics = new Dictionary<string, double>(reports[step].Metrics);
            Spread(metrics);
            reports[step] = reports[step] with { Metrics = metrics };
        }
        run.RequireLog(reports);
        run.RequireWeights(model.Weights(), 2e-5, driftless: "transformer.ln_f.bias");
    }

    /// <remarks>
    /// The last step joins a micro batch of four pairs and one of one. The reference gives each half of the loss, which makes that one pair
    /// weigh as much as the four; here every pair of a step weighs the same. So the expected loss of that step is made from those of its
    /// micro batches; its norm and the weights after it cannot be compared.
    /// </remarks>
    [TestMethod]
    public void Losses_norms_and_metrics_with_margins_and_centering_follow_the_reference()
    {
        using var run = new Trajectory("reward_gpt2_center_margin");
        using RewardModel model = HuggingFaceFolder.LoadRewardModel(run.ModelFolder);
        (int Pairs, double Loss)[] last =
            [.. run.MicroBatches.Where(micro => micro.Step == run.Steps).Select(micro => (Pairs(run, micro.Number).Count(), micro.Loss))];
        CollectionAssert.AreEqual(new[] { 4, 1 }, last.Select(micro => micro.Pairs).ToArray());
        run.Log[^1]["loss"] = last.Sum(micro => micro.Pairs * micro.Loss) / last.Sum(micro => micro.Pairs);
        run.Log[^1].Remove("grad_norm");
        run.RequireLog(Train(run, model));
    }

    private static List<StepReport> Train(Trajectory run, RewardModel model)
    {
        JsonElement centering = run.Args.GetProperty("center_rewards_coefficient");
        RewardOptions options = run.Configure(new RewardOptions()) with
        {
            MaxLength = run.Args.GetProperty("max_length").GetInt32(),
            CenterRewardsCoefficient = centering.ValueKind == JsonValueKind.Null ? null : centering.GetDouble(),
        };
        int left = 0;
        foreach (IGrouping<int, (int Number, int Step, double Loss)> step in run.MicroBatches.GroupBy(micro => micro.Step))
            run.Log[step.Key - 1]["num_tokens"] -= left += step.Sum(micro => run.Rows(micro.Number).Count(EndsWithPadding)); // see Pairs
        return Loops.Reward(model, options, [.. run.MicroBatches.SelectMany(micro => Pairs(run, micro.Number))]);
    }

    private static IEnumerable<PreferenceExample> Pairs(Trajectory run, int micro)
    {
        // EOS and padding share the id 0 here, and the reference takes "the last token that is not padding": the one before EOS.
        // It is left out of the rows; what it adds to the reference's count of tokens is taken off there.
        int[][] rows = [.. run.Rows(micro).Select(row => EndsWithPadding(row) ? row.Ids[..^1] : row.Ids)];
        float[]? margins = run.Batches.Has($"m{micro}.margin") ? run.Batches.Floats($"m{micro}.margin") : null;
        int pairs = rows.Length / 2;
        return Enumerable.Range(0, pairs).Select(pair => new PreferenceExample([], rows[pair], rows[pair + pairs], margins?[pair]));
    }

    private static bool EndsWithPadding((int[] Ids, bool[] Labelled) row) => row.Ids[^1] == 0;

    private static void Spread(Dictionary<string, double> figures)
    {
        figures["min_reward"] -= figures["mean_reward"];
        figures["max_reward"] -= figures["mean_reward"];
        figures.Remove("mean_reward");
    }
}
