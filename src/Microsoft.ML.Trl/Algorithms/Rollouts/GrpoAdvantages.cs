namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>How much better than its group each completion is: TRL v1.9.0.</summary>
internal static class GrpoAdvantages
{
    private const double Tiny = 1e-4; // TRL's: no division by zero where all completions are alike

    /// <summary>The scores added, less the mean of the group, over the deviation that the options ask for.</summary>
    public static GroupJudgement SumThenNormalize(GroupScores scores, ScaleRewards scale)
    {
        double[] deviations = scale == ScaleRewards.Batch
            ? [.. Enumerable.Repeat(KnownScores.Deviation(scores.Rewards), scores.Rewards.Length)]
            : scores.DeviationPerGroup(scores.Rewards);
        double[] centered = scores.PerGroup(scores.Rewards, Centered);
        IEnumerable<double> advantages = scale == ScaleRewards.None
            ? centered : centered.Zip(deviations, (difference, deviation) => difference / (deviation + Tiny));
        return new GroupJudgement(GroupScores.Learnable(advantages), scores.Figures(deviations));
    }

    /// <summary>Each score against its group, the results weighted and added, and those whitened over the generation.</summary>
    public static GroupJudgement NormalizeThenSum(GroupScores scores)
    {
        double[][] normal = [.. scores.Table.Columns.Select(column => scores.PerGroup(
            column.Select(score => score ?? double.NaN),
            group => Centered(group).Select(difference => difference / (KnownScores.Deviation(group) + Tiny))))];
        double[] sums = [.. scores.Rewards.Select((reward, row) => double.IsNaN(reward) ? double.NaN
            : normal.Zip(scores.Weights, (column, weight) => double.IsNaN(column[row]) ? 0 : column[row] * weight).Sum())];
        (double mean, double deviation) = (KnownScores.Mean(sums), KnownScores.Deviation(sums));
        return new GroupJudgement(
            GroupScores.Learnable(sums.Select(sum => (sum - mean) / (deviation + Tiny))), scores.Figures([deviation]));
    }

    private static IEnumerable<double> Centered(double[] group)
    {
        double mean = KnownScores.Mean(group);
        return group.Select(score => score - mean);
    }
}
