namespace Microsoft.ML.Trl.Algorithms.Rloo;

/// <summary>How much better each completion is than the others of its prompt: arXiv:2402.14740, Eq. 5.</summary>
internal static class RlooAdvantages
{
    private const double Tiny = 1e-4;

    /// <summary>The advantages of a generation.</summary>
    public static GroupJudgement Of(GroupScores scores, RlooOptions options)
    {
        IEnumerable<double> rewards = options.RewardClipRange is [var least, var greatest]
            ? scores.Rewards.Select(reward => double.IsNaN(reward) ? reward : Math.Clamp(reward, least, greatest)) : scores.Rewards;
        double[] charged = scores.Kl is { } kl ? [.. rewards.Zip(kl, (reward, nats) => reward - (options.Beta * nats))] : [.. rewards];
        double[] advantages = scores.PerGroup(charged, LeftOut);
        if (options.NormalizeAdvantages)
        {
            (double mean, double deviation) = (KnownScores.Mean(advantages), KnownScores.Deviation(advantages));
            advantages = Array.ConvertAll(advantages, advantage => (advantage - mean) / (deviation + Tiny));
        }
        Dictionary<string, float> figures = scores.Figures(scores.DeviationPerGroup(charged));
        if (scores.Kl is { } sums)
            figures["kl"] = (float)(sums.Sum() / Math.Max(1, scores.Tokens));
        return new GroupJudgement(GroupScores.Learnable(advantages), figures);
    }

    /// <summary>Each less the mean of the others that could be scored; NaN where there is none.</summary>
    private static IEnumerable<double> LeftOut(double[] group)
    {
        int scored = group.Count(reward => !double.IsNaN(reward));
        double sum = group.Where(reward => !double.IsNaN(reward)).Sum();
        return group.Select(reward => scored < 2 ? double.NaN : reward - ((sum - reward) / (scored - 1)));
    }
}
