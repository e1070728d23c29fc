using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Reward;

[TestClass]
public sealed class RewardTrajectoryTests
{
    [TestMethod]
    [DataRow("reward_gpt2")]
    [DataRow("reward_gpt2_center_margin")]
    public void Losses_norms_metrics_and_weights_follow_the_reference(string name)
    {
        using var run = new Trajectory(name);
        List<PreferenceExample> pairs = [.. run.MicroBatches.SelectMany(micro => Pairs(run, micro))];
        RewardOptions options = run.Configure(new RewardOptions()) with
        {
            MaxLength = run.Args.GetProperty("max_length").GetInt32(),
            CenterRewardsCoefficient = run.Args.GetProperty("center_rewards_coefficient").ValueKind == System.Text.Json.JsonValueKind.Null ? null : run.Args.GetProperty("center_rewards_coefficient").GetDouble(),
        };
        using RewardModel model = HuggingFaceFolder.LoadRewardModel(run.ModelFolder);
        var progress = new Collected();
        new RewardLoop(model, options, progress).Run(pairs);
        var tolerances = new Dictionary<string, double?> { ["num_tokens"] = null }; // see Pairs
        if (name == "reward_gpt2")
        {
            // Without centering a shift of all scores changes nothing: the last norm's bias, whose true gradient is 0, drifts by rounding.
            foreach (string metric in new[] { "min_reward", "mean_reward", "max_reward" })
                tolerances[metric] = 0.01;
            run.RequireLog(progress.Reports, tolerances: tolerances);
            run.RequireWeights(model.Weights(), 2e-5, driftless: "transformer.ln_f.bias");
        }
        else
        {
            // The last step joins a micro batch of four pairs and one of one. The reference gives each half of the loss, which makes
            // that one pair weigh as much as the four; here every pair of a step weighs the same.
            run.RequireLog(progress.Reports, steps: 3, tolerances);
        }
    }

    private static IEnumerable<PreferenceExample> Pairs(Trajectory run, int micro)
    {
        // EOS and padding share the id 0 here, and the reference takes "the last token that is not padding": the one before EOS.
        int[][] rows = [.. run.Rows(micro).Select(row => row.Ids[^1] == 0 ? row.Ids[..^1] : row.Ids)];
        float[]? margins = run.Batches.Has($"m{micro}.margin") ? run.Batches.Floats($"m{micro}.margin") : null;
        int pairs = rows.Length / 2;
        return Enumerable.Range(0, pairs).Select(pair => new PreferenceExample([], rows[pair], rows[pair + pairs], margins?[pair]));
    }
}
