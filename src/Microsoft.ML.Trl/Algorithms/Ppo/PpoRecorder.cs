using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Makes the statistics of a finished step; TRL v0.11.4's record_step_stats and log_stats.</summary>
internal static class PpoRecorder
{
    private const double SuspiciousKl = -1;

    public static PpoStatistics Record(PpoOptions options, PpoBatch batch, PpoRollout rollout, PpoStepFacts facts)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var scalars = new Dictionary<string, double>();
        var arrays = new Dictionary<string, float[]>();
        AddObjective(scalars, arrays, batch, rollout, facts);
        AddScores(scalars, arrays, facts);
        AddLengths(scalars, arrays, "queries", batch.QueryLengths);
        AddLengths(scalars, arrays, "responses", batch.ResponseLengths);
        AddTraining(scalars, arrays, batch, rollout, facts);
        scalars["ppo/learning_rate"] = facts.LearningRate;
        return new PpoStatistics(scalars, arrays, [.. Warnings(options, scalars["objective/kl"], facts)]);
    }

    private static void AddObjective(Dictionary<string, double> scalars, Dictionary<string, float[]> arrays, PpoBatch batch, PpoRollout rollout, PpoStepFacts facts)
    {
        Tensor grid = rollout.GridPositions;
        float[] kl = Numbers(PpoCollector.OnGrid(batch, grid, rollout.Kl * rollout.Mask).sum(1));
        float[] surprise = Numbers(PpoCollector.OnGrid(batch, grid, rollout.LogProbs * rollout.Mask).sum(1));
        arrays["objective/kl_dist"] = kl;
        arrays["objective/logprobs"] = Numbers(PpoCollector.OnGrid(batch, grid, rollout.LogProbs));
        arrays["objective/ref_logprobs"] = Numbers(PpoCollector.OnGrid(batch, grid, rollout.ReferenceLogProbs));
        scalars["objective/kl"] = Mean(kl);
        scalars["objective/kl_coef"] = facts.KlCoefficient;
        scalars["objective/entropy"] = -Mean(surprise);
        scalars["ppo/mean_non_score_reward"] = -facts.KlCoefficient * kl.Sum(value => (double)value) / batch.Mask.Sum();
    }

    private static void AddScores(Dictionary<string, double> scalars, Dictionary<string, float[]> arrays, PpoStepFacts facts)
    {
        float[] given = [.. facts.GivenScores.Select(score => (float)score)];
        float[] shaped = Array.ConvertAll(facts.Scores, score => (float)score);
        scalars["ppo/mean_scores"] = Mean(shaped);
        scalars["ppo/std_scores"] = Deviation(shaped);
        scalars["env/reward_mean"] = Mean(given);
        scalars["env/reward_std"] = Deviation(given);
        arrays["env/reward_dist"] = given;
    }

    private static void AddLengths(Dictionary<string, double> scalars, Dictionary<string, float[]> arrays, string what, IEnumerable<int> lengths)
    {
        float[] all = [.. lengths.Select(length => (float)length)];
        scalars[$"tokens/{what}_len_mean"] = Mean(all);
        scalars[$"tokens/{what}_len_std"] = Deviation(all);
        arrays[$"tokens/{what}_dist"] = all;
    }

    private static void AddTraining(Dictionary<string, double> scalars, Dictionary<string, float[]> arrays, PpoBatch batch, PpoRollout rollout, PpoStepFacts facts)
    {
        for (int i = 0; i < PpoTerms.Names.Count; i++)
            scalars["ppo/" + PpoTerms.Names[i]] = facts.Learnt.Average(mini => (double)mini.Terms.Statistics[i]);
        scalars["ppo/val/var_explained"] = 1 - (scalars["ppo/val/error"] / scalars["ppo/returns/var"]);
        int width = batch.Width - 1;
        float[] advantages = Numbers(rollout.AdvantageGrid);
        var seen = new List<float>();
        var ratios = new List<float>();
        foreach ((int[] rows, PpoTerms terms) in facts.Learnt)
        {
            float[] ratio = Numbers(terms.Ratio);
            int next = 0;
            foreach (int row in rows)
            {
                seen.AddRange(advantages.AsSpan(row * width, width));
                int length = batch.ResponseLength(row);
                float[] line = [.. Enumerable.Repeat(1f, width)];
                ratio.AsSpan(next, length).CopyTo(line.AsSpan(batch.FirstPrediction(row)));
                ratios.AddRange(line);
                next += length;
            }
        }
        arrays["ppo/policy/advantages"] = [.. seen];
        arrays["ppo/policy/ratio"] = [.. ratios];
    }

    private static IEnumerable<string> Warnings(PpoOptions options, double kl, PpoStepFacts facts)
    {
        foreach (PpoTerms skipped in facts.Learnt.Select(mini => mini.Terms).Where(terms => terms.Skipped))
            yield return string.Create(CultureInfo.InvariantCulture, $"The mean ratio of a mini-batch ({skipped.MeanRatio:F2}) exceeds RatioThreshold ({options.RatioThreshold:F2}); it was skipped. Lower LearningRate or PpoEpochs, or clip the gradient with MaxGradNorm.");
        if (kl < SuspiciousKl)
            yield return string.Create(CultureInfo.InvariantCulture, $"The mean KL to the reference is negative ({kl:F2}); this often comes before a failed training. Responses must be sampled from the policy itself: temperature 1, no top-k, top-p or minimum length, or the penalty is wrong.");
    }

    private static float[] Numbers(Tensor values) => values.to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();

    private static double Mean(float[] values) => values.Average(value => (double)value);

    // 0 for a single row, where TRL has NaN
    private static double Deviation(float[] values)
    {
        double mean = Mean(values);
        return values.Length < 2 ? 0 : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }
}
