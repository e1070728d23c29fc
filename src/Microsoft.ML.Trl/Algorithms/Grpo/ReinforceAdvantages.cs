namespace Microsoft.ML.Trl.Algorithms.Grpo;

/// <summary>
/// Advantages token by token, where no critic is there to tell what was to be expected: REINFORCE++ (arXiv:2501.03262) and ReMax
/// (arXiv:2310.10505).
/// </summary>
internal static class ReinforceAdvantages
{
    private const double LeastVariance = 1e-8; // OpenRLHF's

    /// <summary>Eq. 5 to 7 of REINFORCE++: the reward less all KL from the token on, over the tokens of the generation scaled.</summary>
    public static GroupJudgement PlusPlus(GroupScores scores, GrpoOptions options) =>
        Judged(scores, scores.Rewards, options, fromTheTokenOn: true, Whitened);

    /// <summary>The same of the rewards less the mean of their group.</summary>
    public static GroupJudgement PlusPlusBaseline(GroupScores scores, GrpoOptions options)
    {
        double[] centered = scores.PerGroup(scores.Rewards, group =>
        {
            double mean = KnownScores.Mean(group);
            return group.Select(reward => reward - mean);
        });
        return Judged(scores, centered, options, fromTheTokenOn: true, Whitened);
    }

    /// <summary>The reward less that of the likeliest completion, and less the KL of the token itself.</summary>
    public static GroupJudgement ReMax(GroupScores scores, GrpoOptions options)
    {
        double[] likeliest = scores.GreedyRewards!;
        GroupJudgement judged = Judged(
            scores, [.. scores.Rewards.Zip(likeliest, (reward, baseline) => reward - baseline)], options, fromTheTokenOn: false,
            advantages => advantages);
        double mean = KnownScores.Mean(likeliest);
        if (!double.IsNaN(mean))
            judged.Figures["reward_baseline"] = (float)mean;
        return judged;
    }

    /// <summary>The KL of a token from its log-ratio.</summary>
    public static double Kl(double logRatio, KlEstimator estimator) => estimator switch
    {
        KlEstimator.K2 => logRatio * logRatio / 2,
        KlEstimator.K3 => Math.Exp(-logRatio) - 1 + logRatio,
        _ => logRatio,
    };

    private static GroupJudgement Judged(
        GroupScores scores, double[] rewards, GrpoOptions options, bool fromTheTokenOn, Func<double[][], double[][]> scale)
    {
        double[][] kl = [.. scores.Lengths.Select((length, row) => options.ChargesKl && scores.LogRatios is { } ratios
            ? Array.ConvertAll(ratios[row], ratio => Kl(ratio, options.KlEstimator)) : new double[length])];
        double[][] advantages = scale([.. kl.Select((charges, row) => Returns(rewards[row], charges, options.Beta, fromTheTokenOn))]);
        double[] means = [.. advantages.Select(tokens => tokens.Length == 0 ? 0 : tokens.Average())];
        bool hasGroups = options.NumGenerations > 1;
        Dictionary<string, float> figures = scores.Figures(
            hasGroups ? scores.DeviationPerGroup(scores.Rewards) : [KnownScores.Deviation(scores.Rewards)]);
        if (options.ChargesKl && scores.LogRatios is not null)
            figures["kl"] = (float)(kl.Sum(tokens => tokens.Sum()) / Math.Max(1, scores.Tokens));
        return new GroupJudgement(GroupScores.Learnable(means), figures)
        {
            TokenAdvantages = GroupScores.Learnable(advantages.SelectMany(tokens => tokens)),
        };
    }

    /// <summary>What follows each token: the reward, less the price of KL.</summary>
    private static double[] Returns(double reward, double[] kl, double beta, bool fromTheTokenOn)
    {
        var returns = new double[kl.Length];
        double after = 0;
        for (int token = kl.Length - 1; token >= 0; token--)
        {
            returns[token] = reward - (beta * (kl[token] + after));
            after += fromTheTokenOn ? kl[token] : 0;
        }
        return returns;
    }

    /// <summary>Less the mean of all tokens whose completion has a reward, over their deviation (of the whole, not of a sample).</summary>
    private static double[][] Whitened(double[][] advantages)
    {
        double[] known = [.. advantages.SelectMany(tokens => tokens).Where(advantage => !double.IsNaN(advantage))];
        double mean = KnownScores.Mean(known);
        double variance = known.Select(advantage => (advantage - mean) * (advantage - mean)).DefaultIfEmpty(0).Average();
        double scale = 1 / Math.Sqrt(Math.Max(variance, LeastVariance));
        return [.. advantages.Select(tokens => Array.ConvertAll(tokens, advantage => (advantage - mean) * scale))];
    }
}
