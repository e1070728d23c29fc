using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>What one PPO step came to, under the names that TRL v0.11.4 gives.</summary>
/// <remarks>
/// <para>Scalars: <c>objective/{kl, kl_coef, entropy}</c>; <c>ppo/{mean_non_score_reward, mean_scores, std_scores, learning_rate}</c>;
/// <c>ppo/loss/{policy, value, total}</c>; <c>ppo/policy/{entropy, approxkl, policykl, clipfrac, advantages_mean}</c>;
/// <c>ppo/returns/{mean, var}</c>; <c>ppo/val/{vpred, error, clipfrac, mean, var, var_explained}</c>;
/// <c>tokens/{queries, responses}_len_{mean, std}</c>; <c>env/reward_{mean, std}</c> of the scores as given;
/// <c>time/ppo/{forward_pass, compute_rewards, compute_advantages, optimize_step, calc_stats, total}</c> in seconds.</para>
/// <para>Arrays: <c>objective/kl_dist</c>, <c>env/reward_dist</c>, <c>tokens/{queries, responses}_dist</c>, one number per row;
/// <c>objective/{logprobs, ref_logprobs}</c>, row by row, T-1 numbers each (T: the longest row; entry t belongs to token t+1; 0
/// outside the responses, whose log-probabilities are not computed); <c>ppo/policy/{advantages, ratio}</c>: T-1 numbers for each
/// row of each mini-batch in the order of training (ratio 1 outside the responses).</para>
/// </remarks>
/// <param name="Scalars">By name.</param>
/// <param name="Arrays">By name.</param>
/// <param name="Warnings">What a human should look at: a negative KL, mini-batches skipped as their ratio exploded. Mostly empty.</param>
public sealed record PpoStatistics(
    IReadOnlyDictionary<string, double> Scalars, IReadOnlyDictionary<string, float[]> Arrays, IReadOnlyList<string> Warnings)
{
    /// <summary>Single numbers by name.</summary>
    public IReadOnlyDictionary<string, double> Scalars { get; init => field = Require.NotNull(value, nameof(Scalars)); } =
        Require.NotNull(Scalars);

    /// <summary>Rows of numbers by name.</summary>
    public IReadOnlyDictionary<string, float[]> Arrays { get; init => field = Require.NotNull(value, nameof(Arrays)); } =
        Require.NotNull(Arrays);

    /// <summary>What a human should look at; mostly empty.</summary>
    public IReadOnlyList<string> Warnings { get; init => field = Require.NotNull(value, nameof(Warnings)); } = Require.NotNull(Warnings);

    /// <summary>A scalar by its TRL name.</summary>
    /// <param name="name">Such as <c>objective/kl</c>.</param>
    /// <exception cref="KeyNotFoundException">There is no such scalar.</exception>
    public double this[string name] => Scalars.TryGetValue(Require.NotNull(name), out double value)
        ? value
        : throw new KeyNotFoundException(
            $"There is no scalar '{name}' in the statistics of a PPO step; the names are {string.Join(", ", Scalars.Keys)}.");
}

/// <summary>Makes the statistics of a finished step; TRL v0.11.4's record_step_stats and log_stats.</summary>
/// <param name="batch">The rows.</param>
/// <param name="rollout">What they were learnt from.</param>
/// <param name="learned">What each mini-batch came to.</param>
internal sealed class PpoRecorder(RolloutBatch batch, PpoRollout rollout, IReadOnlyList<PpoMiniBatch> learned)
{
    private const double SuspiciousKl = -1;

    private readonly Dictionary<string, double> _scalars = [];
    private readonly Dictionary<string, float[]> _arrays = [];

    /// <summary>All statistics but the times.</summary>
    /// <param name="given">[B] scores as the caller gave them.</param>
    /// <param name="shaped">[B] scores as they were learnt from.</param>
    /// <param name="klCoefficient">Reward units per nat that the step used.</param>
    /// <param name="learningRate">Rate that the step used.</param>
    /// <param name="ratioThreshold">Mean ratio above which mini-batches were skipped.</param>
    public PpoStatistics Record(
        IReadOnlyList<double> given, double[] shaped, double klCoefficient, double learningRate, double ratioThreshold)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        AddObjective(klCoefficient);
        AddScores([.. given.Select(score => (float)score)], Array.ConvertAll(shaped, score => (float)score));
        AddLengths("queries", batch.QueryLengths);
        AddLengths("responses", batch.ResponseLengths);
        foreach (string name in learned[0].Figures.Keys)
            _scalars["ppo/" + name] = learned.Average(part => part.Figures[name]);
        _scalars["ppo/val/var_explained"] = 1 - (_scalars["ppo/val/error"] / _scalars["ppo/returns/var"]);
        _scalars["ppo/learning_rate"] = learningRate;
        AddTokens();
        return new PpoStatistics(_scalars, _arrays, [.. Warnings(ratioThreshold)]);
    }

    private void AddObjective(double klCoefficient)
    {
        Tensor logProbs = batch.OnGrid(rollout.GridPositions, rollout.LogProbs * rollout.Mask);
        _arrays["objective/kl_dist"] = rollout.KlPerRow;
        _arrays["objective/logprobs"] = Numbers(batch.OnGrid(rollout.GridPositions, rollout.LogProbs));
        _arrays["objective/ref_logprobs"] = Numbers(batch.OnGrid(rollout.GridPositions, rollout.ReferenceLogProbs));
        _scalars["objective/kl"] = rollout.MeanKl;
        _scalars["objective/kl_coef"] = klCoefficient;
        _scalars["objective/entropy"] = -Mean(Numbers(logProbs.sum(1)));
        _scalars["ppo/mean_non_score_reward"] = -klCoefficient * rollout.KlPerRow.Sum(kl => (double)kl) / batch.Mask.Sum();
    }

    private void AddScores(float[] given, float[] shaped)
    {
        (_scalars["ppo/mean_scores"], _scalars["ppo/std_scores"]) = (Mean(shaped), Deviation(shaped));
        (_scalars["env/reward_mean"], _scalars["env/reward_std"]) = (Mean(given), Deviation(given));
        _arrays["env/reward_dist"] = given;
    }

    private void AddLengths(string what, IEnumerable<int> lengths)
    {
        float[] all = [.. lengths.Select(length => (float)length)];
        (_scalars[$"tokens/{what}_len_mean"], _scalars[$"tokens/{what}_len_std"]) = (Mean(all), Deviation(all));
        _arrays[$"tokens/{what}_dist"] = all;
    }

    /// <summary>Advantages and ratios of every row of every mini-batch, T-1 numbers each.</summary>
    private void AddTokens()
    {
        int width = batch.Width - 1;
        float[] advantageGrid = Numbers(rollout.AdvantageGrid);
        var (advantages, ratios) = (new List<float>(), new List<float>());
        foreach (PpoMiniBatch part in learned)
        {
            float[] ratio = Numbers(part.Ratio);
            int next = 0;
            foreach (int row in part.Rows)
            {
                advantages.AddRange(advantageGrid.AsSpan(row * width, width));
                int length = batch.ResponseLength(row);
                float[] line = [.. Enumerable.Repeat(1f, width)];
                ratio.AsSpan(next, length).CopyTo(line.AsSpan(batch.FirstPrediction(row)));
                ratios.AddRange(line);
                next += length;
            }
        }
        _arrays["ppo/policy/advantages"] = [.. advantages];
        _arrays["ppo/policy/ratio"] = [.. ratios];
    }

    private IEnumerable<string> Warnings(double ratioThreshold)
    {
        foreach (PpoMiniBatch skipped in learned.Where(part => part.Skipped))
            yield return FormattableString.Invariant($"The mean ratio of a mini-batch ({skipped.MeanRatio:F2}) exceeds ")
                + FormattableString.Invariant($"RatioThreshold ({ratioThreshold:F2}); it was skipped. ")
                + "Lower LearningRate or PpoEpochs, or clip the gradient with MaxGradNorm.";
        if (rollout.MeanKl < SuspiciousKl)
            yield return FormattableString.Invariant($"The mean KL to the reference is negative ({rollout.MeanKl:F2}); ")
                + "this often comes before a failed training. Responses must be sampled from the policy itself: "
                + "temperature 1, no top-k, top-p or minimum length, or the penalty is wrong.";
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

/// <summary>Seconds spent on each part of a step, by TRL's name of the part.</summary>
internal sealed class StepClock
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Dictionary<string, double> _seconds = [];
    private long _last = Stopwatch.GetTimestamp();

    public void Lap(string name)
    {
        long now = Stopwatch.GetTimestamp();
        _seconds["time/ppo/" + name] = Stopwatch.GetElapsedTime(_last, now).TotalSeconds;
        _last = now;
    }

    public Dictionary<string, double> Finish()
    {
        _seconds["time/ppo/total"] = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        return _seconds;
    }
}
