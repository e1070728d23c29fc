using System.Diagnostics;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>The rows of a step as people read them: what TRL logs as <c>game_log</c>.</summary>
/// <param name="Queries">[B] texts; null = not given.</param>
/// <param name="Responses">[B] texts; null = not given.</param>
/// <param name="Rewards">[B] finite.</param>
internal sealed record PpoGame(IReadOnlyList<string>? Queries, IReadOnlyList<string>? Responses, IReadOnlyList<double> Rewards)
{
    public double RewardMean => Rewards.Average();

    /// <summary>The rows, where texts were given.</summary>
    public IReadOnlyList<SampleCompletion> Completions => Queries is null || Responses is null
        ? []
        : [.. Rewards.Select((reward, row) => new SampleCompletion(Queries[row], Responses[row], reward))];

    /// <summary>Unbiased; 0 for a single row.</summary>
    public double RewardDeviation => Rewards.Count < 2
        ? 0
        : Math.Sqrt(Rewards.Sum(reward => (reward - RewardMean) * (reward - RewardMean)) / (Rewards.Count - 1));

    /// <summary>This, checked.</summary>
    /// <param name="rows">B of the step.</param>
    /// <exception cref="ArgumentException">A list is missing or has another length, or a reward is no finite number.</exception>
    public PpoGame Validated(int rows)
    {
        if (Queries is null != Responses is null)
            throw new ArgumentException(
                $"There are {(Queries is null ? "responses" : "queries")} without {(Queries is null ? "queries" : "responses")}; "
                + "give both, or neither.");
        CheckCount(Queries?.Count, "queries", rows);
        CheckCount(Responses?.Count, "responses", rows);
        CheckCount(Rewards.Count, "rewards", rows);
        for (int row = 0; row < rows; row++)
            if (!double.IsFinite(Rewards[row]))
                throw new ArgumentException(FormattableString.Invariant(
                    $"The reward of row {row} is {Rewards[row]}; rewards must be finite numbers: give those that Step learnt from."));
        return this;
    }

    private static void CheckCount(int? count, string name, int rows)
    {
        if (count is { } given && given != rows)
            throw new ArgumentException($"{name} has {given} rows, but the step had {rows}; give one for each.", name);
    }
}

/// <summary>Makes reports of the steps of a loop that somebody else writes: TRL's <c>log_stats</c>.</summary>
/// <param name="totalSteps">Steps of the run.</param>
internal sealed class PpoReporter(int totalSteps)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly RemainingTime _remaining = new(totalSteps, totalSteps);
    private long _tokens;
    private int _lastStep;

    /// <summary>The scores that a step learnt from, as they were given.</summary>
    /// <exception cref="ArgumentException">These are not the statistics of a step.</exception>
    public static double[] ScoresOf(PpoStatistics statistics) => statistics.Arrays.TryGetValue("env/reward_dist", out float[]? scores)
        ? Array.ConvertAll(scores, score => (double)score)
        : throw Foreign(statistics, "env/reward_dist");

    /// <summary>Counts the tokens of a batch that was learnt from.</summary>
    public void CountTokens(RolloutBatch batch) => _tokens += batch.QueryLengths.Sum() + batch.ResponseLengths.Sum();

    /// <summary>A report of the last step.</summary>
    /// <param name="step">Its number, counted from 1.</param>
    /// <param name="statistics">What it came to.</param>
    /// <param name="gradientNorm">Of its last update, before clipping.</param>
    /// <param name="game">Its rows.</param>
    public StepReport Report(int step, PpoStatistics statistics, double gradientNorm, PpoGame game)
    {
        Dictionary<string, double> metrics = new(statistics.Scalars)
        {
            ["loss"] = Scalar(statistics, "ppo/loss/total"),
            ["grad_norm"] = gradientNorm,
            ["learning_rate"] = Scalar(statistics, "ppo/learning_rate"),
            ["num_tokens"] = _tokens,
            ["env/reward_mean"] = game.RewardMean,
            ["env/reward_std"] = game.RewardDeviation,
        };
        TimeSpan elapsed = _clock.Elapsed;
        TimeSpan left = _remaining.After(step - _lastStep, step - _lastStep, elapsed);
        _lastStep = step;
        return new StepReport("PPO", step, totalSteps, metrics, _tokens, elapsed) { TimeLeft = left, Completions = game.Completions };
    }

    private static double Scalar(PpoStatistics statistics, string name) =>
        statistics.Scalars.TryGetValue(name, out double value) ? value : throw Foreign(statistics, name);

    private static ArgumentException Foreign(PpoStatistics statistics, string lacking) =>
        new($"statistics has no '{lacking}'; give those that Step returned.", nameof(statistics));
}
