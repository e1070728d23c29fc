namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What the rewards say about the completions of a generation; those of a prompt stand one behind the other.</summary>
internal sealed class GroupScores
{
    private const double Tiny = 1e-8; // what torch.isclose takes for 0

    private readonly int _groupSize;

    /// <param name="table">The scores.</param>
    /// <param name="weights">Of the rewards.</param>
    /// <param name="groupSize">Completions of each prompt.</param>
    public GroupScores(RewardTable table, IReadOnlyList<double> weights, int groupSize)
    {
        (Table, Weights, _groupSize) = (table, weights, groupSize);
        Rewards = [.. table.WeightedSums(weights).Select(sum => sum ?? double.NaN)];
    }

    /// <summary>The scores one by one.</summary>
    public RewardTable Table { get; }

    /// <summary>Of the rewards.</summary>
    public IReadOnlyList<double> Weights { get; }

    /// <summary>Per completion the weighted sum of its scores; NaN where no reward had one.</summary>
    public double[] Rewards { get; }

    /// <summary>
    /// Log-probability of the completions by the weights that sampled less that by the reference, summed over the tokens of each, in nats;
    /// null where they are not known.
    /// </summary>
    public double[]? Kl { get; init; }

    /// <summary>The same token by token; null where they are not known.</summary>
    public IReadOnlyList<double[]>? LogRatios { get; init; }

    /// <summary>Tokens of each completion that are learnt.</summary>
    public IReadOnlyList<int> Lengths { get; init; } = [];

    /// <summary>Per completion the reward of the likeliest one of its prompt; NaN where it has none; null = nobody asked.</summary>
    public double[]? GreedyRewards { get; init; }

    /// <summary>Tokens of all completions that are learnt.</summary>
    public int Tokens { get; init; }

    /// <summary>Changes every group by itself.</summary>
    /// <param name="numbers">One per completion.</param>
    /// <param name="change">From the numbers of a group to what takes their places.</param>
    public double[] PerGroup(IEnumerable<double> numbers, Func<double[], IEnumerable<double>> change) =>
        [.. numbers.Chunk(_groupSize).SelectMany(change)];

    /// <summary>The same deviation for each completion of a group: that of its numbers.</summary>
    public double[] DeviationPerGroup(IEnumerable<double> numbers) =>
        PerGroup(numbers, group => Enumerable.Repeat(KnownScores.Deviation(group), group.Length));

    /// <summary>Advantages as they are learnt from: 0 where there is none.</summary>
    public static float[] Learnable(IEnumerable<double> advantages) =>
        [.. advantages.Select(advantage => double.IsNaN(advantage) ? 0 : (float)advantage)];

    /// <summary>TRL's figures of rewards. One of which nothing is known is left out.</summary>
    /// <param name="deviations">Per completion or group the standard deviation that rewards have among their like.</param>
    public Dictionary<string, float> Figures(IEnumerable<double> deviations)
    {
        Dictionary<string, float> figures = Table.Metrics().ToDictionary(metric => metric.Key, metric => (float)metric.Value);
        figures["frac_reward_zero_std"] = (float)deviations.Average(deviation => Math.Abs(deviation) <= Tiny ? 1.0 : 0);
        (double mean, double deviation) = (KnownScores.Mean(Rewards), KnownScores.Deviation(Rewards));
        if (!double.IsNaN(mean))
            figures["reward"] = (float)mean;
        if (!double.IsNaN(deviation))
            figures["reward_std"] = (float)deviation;
        return figures;
    }
}

/// <summary>Moments of the numbers that are known; NaN stands for one that is not.</summary>
internal static class KnownScores
{
    /// <summary>Their mean; NaN where none is known.</summary>
    public static double Mean(IEnumerable<double> numbers) =>
        numbers.Where(number => !double.IsNaN(number)).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Their unbiased standard deviation; NaN where fewer than two are known.</summary>
    public static double Deviation(IEnumerable<double> numbers)
    {
        double[] known = [.. numbers.Where(number => !double.IsNaN(number))];
        double mean = Mean(known);
        return known.Length < 2 ? double.NaN : Math.Sqrt(known.Sum(number => (number - mean) * (number - mean)) / (known.Length - 1));
    }
}
