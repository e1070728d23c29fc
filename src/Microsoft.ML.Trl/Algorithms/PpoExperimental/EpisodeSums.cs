namespace Microsoft.ML.Trl.Algorithms.PpoExperimental;

/// <summary>What tokens came to in an update, or in one of its forward passes: sums over its tokens.</summary>
/// <param name="Tokens">That the policy learns.</param>
/// <param name="Values">That the value model learns.</param>
/// <param name="PolicyCost">Over <paramref name="Tokens"/>, as all that follows up to <paramref name="Ratio"/>.</param>
/// <param name="PolicyClipped">1 where the cost is the clipped one.</param>
/// <param name="Entropy">Of the distribution that the token was drawn from, in nats.</param>
/// <param name="SquaredMove">Square of the difference of new and old log-probability.</param>
/// <param name="Ratio">New over old probability.</param>
/// <param name="ValueCost">Over <paramref name="Values"/>, squared errors.</param>
/// <param name="ValueClipped">1 where the cost is the clipped one; over <paramref name="Values"/>.</param>
internal sealed record EpisodeSums(
    int Tokens, int Values, double PolicyCost, double PolicyClipped, double Entropy, double SquaredMove, double Ratio,
    double ValueCost, double ValueClipped)
{
    /// <summary>Both together.</summary>
    public static EpisodeSums operator +(EpisodeSums left, EpisodeSums right) => new(
        left.Tokens + right.Tokens, left.Values + right.Values, left.PolicyCost + right.PolicyCost,
        left.PolicyClipped + right.PolicyClipped, left.Entropy + right.Entropy, left.SquaredMove + right.SquaredMove,
        left.Ratio + right.Ratio, left.ValueCost + right.ValueCost, left.ValueClipped + right.ValueClipped);

    /// <summary>Mean clipped surrogate.</summary>
    public double PolicyLoss => PolicyCost / Tokens;

    /// <summary>Half the mean squared error.</summary>
    public double ValueLoss => 0.5 * ValueCost / Values;

    /// <summary>Means over the updates of a step, under TRL's names.</summary>
    public static Dictionary<string, float> Figures(IReadOnlyList<EpisodeSums> updates)
    {
        double mean = updates.Average(update => update.Ratio / update.Tokens);
        double spread = updates.Sum(update => Math.Pow((update.Ratio / update.Tokens) - mean, 2));
        return new Dictionary<string, float>
        {
            ["policy/approxkl_avg"] = (float)updates.Average(update => 0.5 * update.SquaredMove / update.Tokens),
            ["policy/clipfrac_avg"] = (float)updates.Average(update => update.PolicyClipped / update.Tokens),
            ["policy/entropy_avg"] = (float)updates.Average(update => update.Entropy / update.Tokens),
            ["loss/policy_avg"] = (float)updates.Average(update => update.PolicyLoss),
            ["loss/value_avg"] = (float)updates.Average(update => update.ValueLoss),
            ["val/clipfrac_avg"] = (float)updates.Average(update => update.ValueClipped / update.Values),
            ["val/ratio"] = (float)mean,
            ["val/ratio_var"] = updates.Count < 2 ? 0 : (float)(spread / (updates.Count - 1)),
        };
    }
}
